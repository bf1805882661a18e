"""One call to an LLM, as every wire format means it: what was said so far, and what is wanted.

Parameters bear the names that OpenAI gave them, which is what refusals of them are told by.
Whatever is JSON to us only in passing (schemas, arguments) stays the very text that came.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct


class Text(Struct, frozen=True, tag="text"):
    """Words."""

    text: str


class Data(Struct, frozen=True, tag="data"):
    """Content that comes along."""

    media_type: str
    base64: str


class Link(Struct, frozen=True, tag="link"):
    """Content that the upstream is to fetch."""

    url: str


class Image(Struct, frozen=True, tag="image"):
    """A picture."""

    source: Data | Link
    detail: str | None = None
    """How closely to look at it: low, high, auto; None leaves it to the model."""


class Audio(Struct, frozen=True, tag="audio"):
    """Sound."""

    base64: str
    format: str
    """Such as wav or mp3."""


class File(Struct, frozen=True, tag="file"):
    """A document: its data, or the name under which the upstream keeps it."""

    data: Data | None = None
    id: str | None = None
    name: str | None = None


class Refusal(Struct, frozen=True, tag="refusal"):
    """Words by which a model declines."""

    text: str


class Thought(Struct, frozen=True, tag="thought"):
    """What a model thought before it spoke.

    The signature is how its maker knows it again; without one it can only be read.
    """

    text: str
    signature: str | None = None


class RedactedThought(Struct, frozen=True, tag="redacted_thought"):
    """A thought that only its maker can read."""

    data: str


class ToolCall(Struct, frozen=True, tag="tool_call"):
    """A model's wish that a tool be used."""

    id: str
    name: str
    arguments: str
    """The very text, which need not be valid JSON."""


UserPart = Text | Image | Audio | File
AssistantPart = Text | Refusal | Thought | RedactedThought | ToolCall


class Authority(StrEnum):
    """Who instructs a model."""

    SYSTEM = "system"
    DEVELOPER = "developer"


class Instruction(Struct, frozen=True, tag="instruction"):
    """What a model is to keep to."""

    parts: tuple[Text, ...]
    authority: Authority = Authority.SYSTEM
    name: str | None = None


class User(Struct, frozen=True, tag="user"):
    """What a user says."""

    parts: tuple[UserPart, ...]
    name: str | None = None


class Assistant(Struct, frozen=True, tag="assistant"):
    """What the model said earlier."""

    parts: tuple[AssistantPart, ...]
    name: str | None = None


class ToolResult(Struct, frozen=True, tag="tool_result"):
    """What came of a tool call."""

    call_id: str
    parts: tuple[Text, ...]


Message = Instruction | User | Assistant | ToolResult


class Tool(Struct, frozen=True):
    """A function that the model may have called."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw | None = None
    """A JSON schema; None where there are none."""
    strict: bool | None = None
    """Whether arguments have to fit the schema."""


class ToolUse(StrEnum):
    """Whether tools are called."""

    AUTO = "auto"
    """The model decides."""
    REQUIRED = "required"
    """At least one has to be."""
    NONE = "none"


class ToolChoice(Struct, frozen=True):
    """Which tools are called."""

    use: ToolUse
    names: tuple[str, ...] = ()
    """Only these; empty for all."""


class JsonObject(Struct, frozen=True, tag="json_object"):
    """The answer is some JSON object."""


class JsonSchema(Struct, frozen=True, tag="json_schema"):
    """The answer is JSON that fits a schema."""

    name: str
    schema: msgspec.Raw
    description: str | None = None
    strict: bool | None = None


class Effort(StrEnum):
    """How much a model may think before it answers."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


class ChatRequest(Struct, frozen=True, kw_only=True):
    """What a caller asks for; None leaves a parameter to the LLM."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: JsonObject | JsonSchema | None = None
    """None for words."""
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    """Most tokens in the answer, thoughts included [tokens]."""
    stop: tuple[str, ...] = ()
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: msgspec.Raw | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None
    seed: int | None = None
    reasoning_effort: Effort | None = None
    user: str | None = None
    """The caller's name for the person who asks, for those who look after misuse."""
    stream: bool = False
    include_usage: bool = False
    """Whether a stream says at its end what it took."""
    others: Mapping[str, msgspec.Raw] = {}
    """Members that have no meaning here, by the caller's names."""
