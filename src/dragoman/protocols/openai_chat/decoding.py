"""Answers in OpenAI's format, read as what they mean.

platform.openai.com, API reference, "The chat completion chunk object" (2026-11); thoughts are
where `writing` puts them, or in `reasoning`, as vLLM and Groq have it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

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
from dragoman.domain.errors import UpstreamBroken
from dragoman.protocols.base import FailedInStream, Said, cut_short, not_the_format
from dragoman.protocols.sse import EventStream

NAME = "OpenAI Chat Completions"
DONE = b"[DONE]"
SERVER_FAILED = 500

FINISH_REASONS = {reason.value: reason for reason in FinishReason if reason != "paused"}


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct):
    function: _Function
    index: int | None = None
    id: str | None = None


class _Detail(Struct):
    type: str
    index: int = 0
    text: str | None = None
    signature: str | None = None
    data: str | None = None


class _Message(Struct):
    """A message, or what is new of one."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[_Detail] | None = None


class _LogprobsOfChoice(Struct):
    content: tuple[Any, ...] | None = None


class _Choice(Struct):
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None
    logprobs: _LogprobsOfChoice | None = None
    index: int = 0


class _Details(Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Answer(Struct):
    """A completion, or a chunk of one, or the error in place of one."""

    id: str = ""
    model: str = ""
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


class _Error(Struct):
    message: Any = None
    code: Any = None
    param: Any = None


class _ErrorBody(Struct):
    error: _Error | str | None = None
    message: Any = None
    detail: Any = None


_ANSWERS = msgspec.json.Decoder(_Answer)
_ERRORS = msgspec.json.Decoder(_ErrorBody)


class Decoder:
    """One stream of chunks."""

    def __init__(self) -> None:
        self._events = EventStream()
        self._calls = 0
        """How many calls have begun."""
        self._has_begun = False
        self._reason: FinishReason | None = None
        self._is_over = False

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Give what this piece completes."""
        for data in self._events.feed(piece):
            if data == DONE:
                yield self._end()
            elif not self._is_over:
                yield from self._chunk(_answer(data), data)

    def close(self) -> None:
        """Take note that nothing more comes."""
        if not self._is_over:
            raise cut_short()

    def _end(self) -> Finished:
        if self._reason is None:
            raise cut_short()
        self._is_over = True
        return Finished(self._reason)

    def _chunk(self, answer: _Answer, data: bytes) -> Iterator[Event]:
        if answer.error:
            raise FailedInStream(SERVER_FAILED, problem(data))
        if not self._has_begun:
            self._has_begun = True
            yield Started(answer.id, answer.model)
        for choice in answer.choices:
            yield from self._choice(choice)
        if answer.usage is not None:
            yield _tokens(answer.usage)

    def _choice(self, choice: _Choice) -> Iterator[Event]:
        if choice.index:
            raise not_the_format(NAME)  # only one answer is asked for
        if choice.delta is not None:
            yield from _said(choice.delta)
            for call in choice.delta.tool_calls or ():
                yield from self._call(call)
        yield from _logprobs(choice)
        if choice.finish_reason is not None:
            self._reason = _reason(choice)

    def _call(self, call: _Call) -> Iterator[Event]:
        index = self._calls if call.index is None else call.index
        if not 0 <= index < self._calls:
            if index != self._calls or call.id is None or call.function.name is None:
                raise not_the_format(NAME)
            self._calls += 1
            yield CallStarted(index, call.id, call.function.name)
        if call.function.arguments:
            yield CallArguments(index, call.function.arguments)


def decoder() -> Decoder:
    """Begin to read a stream."""
    return Decoder()


def decode(body: bytes) -> Iterator[Event]:
    """Read a whole answer."""
    answer = _answer(body)
    if len(answer.choices) != 1 or answer.choices[0].message is None:
        raise not_the_format(NAME)
    [choice] = answer.choices
    yield Started(answer.id, answer.model)
    message = answer.choices[0].message
    yield from _said(message)
    for index, call in enumerate(message.tool_calls or ()):
        yield CallStarted(index, call.id or "", call.function.name or "")
        if call.function.arguments:
            yield CallArguments(index, call.function.arguments)
    yield from _logprobs(choice)
    if answer.usage is not None:
        yield _tokens(answer.usage)
    yield Finished(_reason(choice))


def problem(body: bytes) -> Said:
    """Read an error in the shapes that OpenAI-compatible servers give it."""
    try:
        answer = _ERRORS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Said()
    error = answer.error
    if not isinstance(error, _Error):
        error = _Error(message=error or answer.message or answer.detail)
    return Said(_words(error.message), _words(error.code), _words(error.param))


def _words(said: Any) -> str | None:
    return said if isinstance(said, str) and said else None


def _answer(data: bytes) -> _Answer:
    try:
        return _ANSWERS.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise not_the_format(NAME) from None


def _said(message: _Message) -> Iterator[Event]:
    if message.reasoning_details:
        for detail in message.reasoning_details:
            yield from _thought(detail)
    elif thought := message.reasoning_content or message.reasoning:
        yield ThoughtDelta(0, thought)
    if message.content:
        yield TextDelta(message.content)
    if message.refusal:
        yield RefusalDelta(message.refusal)


def _thought(detail: _Detail) -> Iterator[Event]:
    if detail.text:
        yield ThoughtDelta(detail.index, detail.text)
    if detail.signature:
        yield ThoughtSigned(detail.index, detail.signature)
    if detail.data:
        yield ThoughtRedacted(detail.index, detail.data)


def _logprobs(choice: _Choice) -> Iterator[Logprobs]:
    if choice.logprobs is not None and choice.logprobs.content:
        yield Logprobs(choice.logprobs.content)


def _reason(choice: _Choice) -> FinishReason:
    reason = FINISH_REASONS.get(choice.finish_reason or "")
    if reason is None:
        raise UpstreamBroken("The upstream's answer ended for a reason that is not known here.")
    return reason


def _tokens(usage: _Usage) -> TokensUsed:
    given = usage.prompt_tokens_details or _Details()
    made = usage.completion_tokens_details or _Details()
    return TokensUsed(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_input_tokens=given.cached_tokens,
        cache_creation_input_tokens=given.cache_write_tokens,
        reasoning_output_tokens=made.reasoning_tokens,
    )
