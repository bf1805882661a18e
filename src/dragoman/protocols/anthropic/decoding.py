"""Answers in Anthropic's format, read as what they mean.

platform.claude.com, "Streaming messages" and "Handling stop reasons" (2026-11). Kinds of events
that are not known are passed over, as the vendor asks for; a kind of content that is not known is
a failure, because leaving it out would change what the answer says.
"""

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from dragoman.domain.chat_events import (
    Event,
    Finished,
    FinishReason,
    RefusalDelta,
    Started,
    TokensUsed,
)
from dragoman.domain.errors import UpstreamBroken
from dragoman.protocols.anthropic.blocks import NAME, Blocks
from dragoman.protocols.anthropic.wire import (
    Block,
    Delta,
    Error,
    ErrorBody,
    Message,
    StopDetails,
    Usage,
)
from dragoman.protocols.anthropic.wire import Event as WireEvent
from dragoman.protocols.base import FailedInStream, Said, cut_short, not_the_format
from dragoman.protocols.sse import EventStream

FINISH_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
    "pause_turn": FinishReason.PAUSED,
}

STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""How errors are answered outside of streams (platform.claude.com, "Errors", 2026-11)."""
SERVER_FAILED = 500

WITHIN_A_MESSAGE = frozenset({"content_block_start", "content_block_delta", "message_delta"})
WITH_CONTENT = WITHIN_A_MESSAGE | {"message_start"}

T = TypeVar("T")

_EVENTS = msgspec.json.Decoder(WireEvent)
_MESSAGES = msgspec.json.Decoder(Message)
_ERRORS = msgspec.json.Decoder(ErrorBody)


class Decoder:
    """One stream of events."""

    def __init__(self) -> None:
        self._events = EventStream()
        self._blocks = Blocks()
        self._usage = Usage()
        self._last: Delta | None = None
        """The reason why the answer ends; it has ended only with the event after it."""
        self._has_begun = False
        self._is_over = False

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Give what this piece completes."""
        for data in self._events.feed(piece):
            if not self._is_over:
                yield from self._event(_read(_EVENTS, data))

    def close(self) -> None:
        """Take note that nothing more comes."""
        if not self._is_over:
            raise cut_short()

    def _event(self, event: WireEvent) -> Iterator[Event]:
        if not self._has_begun and event.type in WITHIN_A_MESSAGE:
            raise not_the_format(NAME)
        match event:
            case WireEvent(type="content_block_delta", delta=Delta() as delta):
                yield from self._blocks.add(event.index, delta)
            case WireEvent(type="content_block_start", content_block=Block() as block):
                yield from self._blocks.start(event.index, block)
            case WireEvent(type="content_block_stop"):
                yield from self._blocks.stop(event.index)
            case WireEvent(type="message_start", message=Message() as message):
                yield from self._start(message)
            case WireEvent(type="message_delta", delta=Delta() as delta):
                self._last = delta
                self._count(event.usage)
            case WireEvent(type="message_stop"):
                yield from self._stop()
            case WireEvent(type="error"):
                error = event.error or Error()
                raise FailedInStream(STATUSES.get(error.type, SERVER_FAILED), _said(error))
            case WireEvent(type=kind) if kind in WITH_CONTENT:
                raise not_the_format(NAME)

    def _start(self, message: Message) -> Iterator[Event]:
        if self._has_begun:
            raise not_the_format(NAME)
        self._has_begun = True
        yield Started(message.id, message.model)
        if message.usage is not None:
            self._count(message.usage)
            yield _tokens(self._usage)

    def _count(self, usage: Usage | None) -> None:
        """Take note of tokens; what is not named again has not changed."""
        for name in Usage.__struct_fields__ if usage is not None else ():
            value = getattr(usage, name)
            if value is not None:
                setattr(self._usage, name, value)

    def _stop(self) -> Iterator[Event]:
        if self._last is None:
            raise cut_short()
        yield from self._blocks.stop_all()
        yield from _end(self._last.stop_reason, self._last.stop_details, self._usage)
        self._is_over = True


def decoder() -> Decoder:
    """Begin to read a stream."""
    return Decoder()


def decode(body: bytes) -> Iterator[Event]:
    """Read a whole answer."""
    message = _read(_MESSAGES, body)
    if message.type != "message":
        raise not_the_format(NAME)
    yield Started(message.id, message.model)
    blocks = Blocks()
    for index, block in enumerate(message.content):
        yield from blocks.start(index, block)
        yield from blocks.stop(index)
    yield from _end(message.stop_reason, message.stop_details, message.usage or Usage())


def problem(body: bytes) -> Said:
    """Read what an error answer says."""
    try:
        error = _ERRORS.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Said()
    return _said(error) if error is not None else Said()


def _said(error: Error) -> Said:
    return Said(error.message, error.type or None)


def _end(reason: str | None, details: StopDetails | None, usage: Usage) -> Iterator[Event]:
    finished = FINISH_REASONS.get(reason or "")
    if finished is None:
        raise UpstreamBroken("The upstream's answer ended for a reason that is not known here.")
    if details is not None and details.explanation:
        yield RefusalDelta(details.explanation)
    yield _tokens(usage)
    yield Finished(finished)


def _tokens(usage: Usage) -> TokensUsed:
    """Count as OpenTelemetry does; Anthropic's input leaves out what a cache took or gave."""
    read, made = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    details = usage.output_tokens_details
    return TokensUsed(
        input_tokens=(usage.input_tokens or 0) + (read or 0) + (made or 0),
        output_tokens=usage.output_tokens or 0,
        cache_read_input_tokens=read,
        cache_creation_input_tokens=made,
        reasoning_output_tokens=details.thinking_tokens if details else None,
    )


def _read(reader: "msgspec.json.Decoder[T]", data: bytes) -> T:
    try:
        return reader.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise not_the_format(NAME) from None
