"""What a chat completion says, whole or streamed: text and thoughts, and whether it is all."""

import json
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Any, NamedTuple

from dragoman.cli.event_stream import events
from dragoman.cli.failures import Failure, sentence

DONE = "[DONE]"


class Kind(Enum):
    """What a piece of an answer is."""

    TEXT = auto()
    THOUGHT = auto()
    END = auto()
    """Why the answer is over, in OpenAI's words."""


class Piece(NamedTuple):
    """Some of an answer."""

    kind: Kind
    text: str


class Broken(Failure):
    """An answer that is not whole."""


def streamed(pieces: Iterable[bytes]) -> Iterator[Piece]:
    """Read a streamed answer; raises Broken if it stops in the middle."""
    is_whole = False
    for event in events(pieces):
        if event.strip() == DONE:
            return
        for piece in _of_choice(_chunk(event), "delta"):
            is_whole = is_whole or piece.kind is Kind.END
            yield piece
    # Some servers leave [DONE] out; the reason why the model stopped says as much.
    if not is_whole:
        raise Broken("The answer broke off: the connection ended before the answer did. Try again.")


def whole(content: bytes) -> Iterator[Piece]:
    """Read an answer that comes in one piece."""
    found = _chunk(content.decode(errors="replace"))
    pieces = list(_of_choice(found, "message"))
    if not pieces:
        raise Broken("The answer holds no message; look at it with --json.")
    yield from pieces


def ending(reason: str) -> str | None:
    """Say what a person should know about why an answer is over."""
    match reason:
        case "length":
            return "The answer stops at the limit of tokens; --max-tokens raises it."
        case "content_filter":
            return "The provider's content filter cut the answer."
        case "tool_calls" | "function_call":
            return "The model wants to call a tool; this command has none."
        case _:
            return None


def _chunk(event: str) -> dict[str, Any]:
    try:
        found = json.loads(event)
    except (ValueError, RecursionError):
        raise Broken("The answer broke off in the middle of an event. Try again.") from None
    if not isinstance(found, dict):
        raise Broken("The answer is not a chat completion.")
    error = found.get("error")
    if error:
        message = error.get("message") if isinstance(error, dict) else error
        raise Broken(f"The answer broke off: {sentence(str(message or 'no reason given'))}")
    return found


def _of_choice(found: dict[str, Any], member: str) -> Iterator[Piece]:
    """Read the first choice; a chunk without one, such as that of the usage, says nothing."""
    choices = found.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return
    said = choice.get(member)
    if isinstance(said, dict):
        # Servers have two names for thoughts; one that sends both means the same.
        thought = said.get("reasoning_content") or said.get("reasoning")
        if isinstance(thought, str) and thought:
            yield Piece(Kind.THOUGHT, thought)
        text = said.get("content") or said.get("refusal")
        if isinstance(text, str) and text:
            yield Piece(Kind.TEXT, text)
    if isinstance(choice.get("finish_reason"), str):
        yield Piece(Kind.END, choice["finish_reason"])
