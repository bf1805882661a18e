"""One LLM: a registered way to reach one model."""

from enum import StrEnum
from typing import Any

from msgspec import Struct

from dragoman.domain.credential import Credential
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.url import Endpoint, origin

MAX_NAME_LENGTH = 255


class ProtocolName(StrEnum):
    """The wire format that an LLM's server speaks."""

    OPENAI = "openai"
    AZURE_OPENAI = "azure_openai"
    GROQ_OPENAI = "groq_openai"
    GEMINI = "gemini"
    ANTHROPIC = "anthropic"
    CUSTOM = "custom"
    """Some OpenAI-compatible server."""
    ADVANCED_VOICE = "advanced_voice"
    """Speech to speech, over OpenAI's realtime WebSocket."""
    NONE = "none"
    """No LLM on our side; the registration is only a record."""


class ReasoningEffort(StrEnum):
    """How much a model may think before it answers; DEFAULT leaves it to the model."""

    DEFAULT = "default"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ReasoningFormat(StrEnum):
    """Where thinking goes in an answer: a member of its own, inside the text, or nowhere."""

    PARSED = "parsed"
    RAW = "raw"
    HIDDEN = "hidden"


class Configuration(Struct, frozen=True, kw_only=True, gc=False):
    """What a tenant decides about an LLM, the credential aside."""

    display_name: str
    description: str | None = None
    protocol: ProtocolName
    endpoints: tuple[Endpoint, ...]
    """In the order in which they are tried."""
    model: str
    deployment_name: str | None = None
    api_version: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    """Most tokens in one answer [tokens]."""
    reasoning_effort: ReasoningEffort | None = None
    reasoning_format: ReasoningFormat | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}

    @property
    def origins(self) -> tuple[str, ...]:
        """Where the credential may be sent: each endpoint's origin once, sorted."""
        return tuple(sorted({origin(endpoint.url) for endpoint in self.endpoints}))


class LLM(Struct, frozen=True, kw_only=True, gc=False):
    """One registered LLM as it is stored."""

    id: str
    """UUIDv7, unique within the organization."""
    organization_id: str
    owner_id: str
    """The principal it belongs to."""
    configuration: Configuration
    credential: Credential | None = None
    """None where the upstream wants none."""
    enabled: bool = True
    is_default: bool = False
    zero_data_retention: bool = False
    """Set by an operator only."""
    revision: int = 1
    created_at_ms: int
    """[ms since 1970], like every time here."""
    created_by: str
    updated_at_ms: int | None = None
    """None until the first change."""
    updated_by: str | None = None

    @property
    def is_platform(self) -> bool:
        """Whether the operator owns it: every organization sees it and none may change it."""
        return self.organization_id == PLATFORM_ORGANIZATION_ID
