"""A whole answer, put together of its events."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from dragoman.domain.chat import RedactedThought, Thought, ToolCall
from dragoman.domain.chat_events import (
    CallArguments,
    CallStarted,
    Event,
    Finished,
    FinishReason,
    Logprobs,
    RefusalDelta,
    Started,
    TextDelta,
    ThoughtDelta,
    ThoughtRedacted,
    ThoughtSigned,
    TokensUsed,
)


class ChatAnswer(Struct, frozen=True, kw_only=True):
    """What an LLM said."""

    id: str
    model: str
    text: str
    refusal: str
    thoughts: tuple[Thought | RedactedThought, ...]
    calls: tuple[ToolCall, ...]
    logprobs: tuple[Any, ...]
    reason: FinishReason
    tokens: TokensUsed | None


def put_together(events: Iterable[Event]) -> ChatAnswer:
    """Put together the events of an answer that has finished."""
    parts = _Parts()
    for event in events:
        parts.add(event)
    return ChatAnswer(
        id=parts.started.id,
        model=parts.started.model,
        text="".join(parts.text),
        refusal="".join(parts.refusal),
        thoughts=tuple(parts.thought(index) for index in sorted(parts.thoughts)),
        calls=tuple(
            ToolCall(call.id, call.name, "".join(parts.arguments[call.index]))
            for call in parts.calls
        ),
        logprobs=tuple(parts.logprobs),
        reason=parts.reason,
        tokens=parts.tokens,
    )


class _Parts:
    """The pieces, sorted by what they belong to."""

    def __init__(self) -> None:
        self.started = Started("", "")
        self.text: list[str] = []
        self.refusal: list[str] = []
        self.thoughts: dict[int, list[str]] = {}
        self.signatures: dict[int, list[str]] = {}
        self.redacted: dict[int, str] = {}
        self.calls: list[CallStarted] = []
        self.arguments: dict[int, list[str]] = {}
        self.logprobs: list[Any] = []
        self.reason = FinishReason.STOP
        self.tokens: TokensUsed | None = None

    def add(self, event: Event) -> None:
        match event:
            case TextDelta(text=text):
                self.text.append(text)
            case CallArguments(index=index, text=text):
                self.arguments[index].append(text)
            case CallStarted():
                self.calls.append(event)
                self.arguments[event.index] = []
            case ThoughtDelta() | ThoughtSigned() | ThoughtRedacted():
                self._think(event)
            case RefusalDelta(text=text):
                self.refusal.append(text)
            case Logprobs(content=content):
                self.logprobs += content
            case TokensUsed():
                self.tokens = event
            case Started():
                self.started = event
            case Finished(reason=reason):
                self.reason = reason

    def _think(self, event: ThoughtDelta | ThoughtSigned | ThoughtRedacted) -> None:
        match event:
            case ThoughtDelta(index=index, text=text):
                self.thoughts.setdefault(index, []).append(text)
            case ThoughtSigned(index=index, signature=signature):
                self.thoughts.setdefault(index, [])
                self.signatures.setdefault(index, []).append(signature)
            case ThoughtRedacted(index=index, data=data):
                self.thoughts.setdefault(index, [])
                self.redacted[index] = data

    def thought(self, index: int) -> Thought | RedactedThought:
        if index in self.redacted:
            return RedactedThought(self.redacted[index])
        signature = "".join(self.signatures.get(index, ()))
        return Thought("".join(self.thoughts[index]), signature or None)
