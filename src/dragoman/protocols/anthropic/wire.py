"""The wire of Anthropic's format, as far as it is read; what is not named is passed over.

platform.claude.com, API reference, "Create a Message", and "Streaming messages" (2026-11).
"""

from typing import Any

import msgspec
from msgspec import Struct


class Details(Struct):
    """What of the output was what."""

    thinking_tokens: int | None = None


class Usage(Struct):
    """Tokens, as far as they are counted yet."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: Details | None = None


class Block(Struct):
    """A block of content, or how it begins."""

    type: str
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw()
    citations: Any = None


class StopDetails(Struct):
    """Why an answer was declined."""

    explanation: str | None = None


class Delta(Struct):
    """What is new of a block, or of the whole."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    stop_reason: str | None = None
    stop_details: StopDetails | None = None


class Message(Struct):
    """An answer, or how it begins."""

    type: str
    id: str = ""
    model: str = ""
    content: list[Block] = []
    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    usage: Usage | None = None


class Error(Struct):
    """What failed."""

    type: str = ""
    message: str | None = None


class Event(Struct):
    """One event of a stream."""

    type: str
    index: int = 0
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Usage | None = None
    error: Error | None = None


class ErrorBody(Struct):
    """An answer that is an error."""

    error: Error | None = None
