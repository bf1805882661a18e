"""The blocks that an answer in Anthropic's format is made of."""

from collections.abc import Iterator

import msgspec

from dragoman.domain.chat_events import (
    CallArguments,
    CallStarted,
    Event,
    TextDelta,
    ThoughtDelta,
    ThoughtRedacted,
    ThoughtSigned,
)
from dragoman.domain.errors import UpstreamBroken
from dragoman.protocols.anthropic.wire import Block, Delta
from dragoman.protocols.base import not_the_format

NAME = "Anthropic Messages"

NO_ARGUMENTS = "{}"


class Blocks:
    """The blocks of an answer: what each is, and its number among those of its kind.

    They are told apart by their index alone: some servers interleave them.
    """

    def __init__(self) -> None:
        self._open: dict[int, tuple[str, int]] = {}
        self._calls = 0
        self._thoughts = 0
        self._with_arguments: set[int] = set()

    def start(self, index: int, block: Block) -> Iterator[Event]:
        """Begin a block, with what it holds already."""
        if index in self._open:
            raise not_the_format(NAME)
        match block.type:
            case "text":
                self._open[index] = block.type, 0
                if block.citations:
                    raise _unknown()
            case "thinking" | "redacted_thinking":
                self._open[index] = "thinking", self._thoughts
                self._thoughts += 1
            case "tool_use":
                self._open[index] = block.type, self._calls
                yield CallStarted(self._calls, block.id, block.name)
                self._calls += 1
            case _:
                raise _unknown()
        yield from self._content(block, self._open[index][1])

    def _content(self, block: Block, number: int) -> Iterator[Event]:
        if block.text:
            yield TextDelta(block.text)
        if block.thinking:
            yield ThoughtDelta(number, block.thinking)
        if block.signature:
            yield ThoughtSigned(number, block.signature)
        if block.type == "redacted_thinking":
            yield ThoughtRedacted(number, block.data)
        if bytes(block.input) not in {b"", b"{}"}:
            self._with_arguments.add(number)
            yield CallArguments(number, _text(block.input))

    def add(self, index: int, delta: Delta) -> Iterator[Event]:
        """Give what is new of a block."""
        kind, number = self._open.get(index, ("", 0))
        match kind, delta.type:
            case "text", "text_delta":
                if delta.text:
                    yield TextDelta(delta.text)
            case "thinking", "thinking_delta":
                if delta.thinking:
                    yield ThoughtDelta(number, delta.thinking)
            case "thinking", "signature_delta":
                yield ThoughtSigned(number, delta.signature)
            case "tool_use", "input_json_delta":
                if delta.partial_json:
                    self._with_arguments.add(number)
                    yield CallArguments(number, delta.partial_json)
            case ("", _):
                raise not_the_format(NAME)
            case _:
                raise _unknown()

    def stop(self, index: int) -> Iterator[Event]:
        """End a block; a call without arguments has an empty object of them."""
        if index not in self._open:
            raise not_the_format(NAME)
        kind, number = self._open.pop(index)
        if kind == "tool_use" and number not in self._with_arguments:
            yield CallArguments(number, NO_ARGUMENTS)

    def stop_all(self) -> Iterator[Event]:
        """End what a server has not ended itself."""
        for index in (*self._open,):
            yield from self.stop(index)


def _text(raw: msgspec.Raw) -> str:
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError:
        raise not_the_format(NAME) from None


def _unknown() -> UpstreamBroken:
    return UpstreamBroken("The upstream answered with a kind of content that is not known here.")
