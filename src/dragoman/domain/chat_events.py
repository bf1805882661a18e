"""An LLM's answer, as it comes about: one vocabulary for every wire format.

A stream and a whole answer are the same events in larger or smaller pieces. The last one is
`Finished`; what ends in any other way has failed, and is an error that is raised, never an event.
"""

from enum import StrEnum
from typing import Any

from msgspec import Struct


class Started(Struct, frozen=True, gc=False):
    """The answer begins; comes first."""

    id: str
    """The upstream's name for it."""
    model: str
    """What the upstream says it comes from."""


class TextDelta(Struct, frozen=True, gc=False):
    """Words."""

    text: str


class RefusalDelta(Struct, frozen=True, gc=False):
    """Words by which the model declines."""

    text: str


class ThoughtDelta(Struct, frozen=True, gc=False):
    """A piece of a thought; thoughts are counted from 0."""

    index: int
    text: str


class ThoughtSigned(Struct, frozen=True, gc=False):
    """The signature by which a thought's maker knows it again."""

    index: int
    signature: str


class ThoughtRedacted(Struct, frozen=True, gc=False):
    """A thought that only its maker can read."""

    index: int
    data: str


class CallStarted(Struct, frozen=True, gc=False):
    """A tool is to be called; calls are counted from 0."""

    index: int
    id: str
    name: str


class CallArguments(Struct, frozen=True, gc=False):
    """A piece of the text of a call's arguments."""

    index: int
    text: str


class Logprobs(Struct, frozen=True, gc=False):
    """How likely tokens were."""

    content: tuple[Any, ...]
    """One entry for each token, as OpenAI writes it."""


class FinishReason(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    """The model was done, or came to a stop sequence."""
    LENGTH = "length"
    """There was no room for more."""
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    """It was declined, or cut off for what it said."""
    PAUSED = "paused"
    """The upstream wants to be asked again to go on."""


class Finished(Struct, frozen=True, gc=False):
    """The answer is whole; comes last."""

    reason: FinishReason


class TokensUsed(Struct, frozen=True, gc=False, omit_defaults=True):
    """What the call has taken so far; a later one stands in place of an earlier one [tokens].

    The words are OpenTelemetry's (opentelemetry.io, semantic conventions for generative AI,
    2026-11): what was read from a cache or put there counts as input, thoughts count as output.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None


Event = (
    Started
    | TextDelta
    | RefusalDelta
    | ThoughtDelta
    | ThoughtSigned
    | ThoughtRedacted
    | CallStarted
    | CallArguments
    | Logprobs
    | TokensUsed
    | Finished
)
