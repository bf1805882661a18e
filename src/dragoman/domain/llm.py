"""One LLM: a registered way to reach one model."""

from enum import StrEnum
from typing import Any

from msgspec import Struct

from dragoman.domain.credential import Credential, ExtraHeader
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.url import Endpoint, origin

MAX_NAME_LENGTH = 255


class ProtocolName(StrEnum):
    """The wire format that an LLM's server speaks."""

    OPENAI = "openai"
    OPENAI_RESPONSES = "openai_responses"
    AZURE_OPENAI = "azure_openai"
    GROQ_OPENAI = "groq_openai"
    GEMINI = "gemini"
    VERTEX_AI = "vertex_ai"
    """Gemini's format, as Google Cloud serves it."""
    ANTHROPIC = "anthropic"
    CUSTOM = "custom"
    """Some OpenAI-compatible server."""
    DASHSCOPE_TEXT = "dashscope_text"
    """Alibaba Cloud's own format for text; its servers speak OpenAI's too."""
    DASHSCOPE_MULTIMODAL = "dashscope_multimodal"
    ADVANCED_VOICE = "advanced_voice"
    """Speech to speech, over OpenAI's realtime WebSocket."""
    NONE = "none"
    """No LLM on our side; the registration is only a record."""


class Provider(StrEnum):
    """Who runs the server; the wire format does not follow from it."""

    OPENAI = "openai"
    LITELLM_PROXY = "litellm_proxy"
    OPEN_ROUTER = "open_router"
    VLLM = "vllm"
    OLLAMA = "ollama"
    LLAMA_CPP = "llama_cpp"
    DASHSCOPE = "dashscope"
    CUSTOM_OPENAI_COMPATIBLE = "custom_openai_compatible"


class Modality(StrEnum):
    """What kind of content a model takes."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


class Capability(StrEnum):
    """Something that a model and its server can do, or cannot."""

    CHAT = "chat"
    COMPLETION = "completion"
    TOOL_CALLING = "tool_calling"
    SYSTEM_MESSAGES = "system_messages"
    STREAMING = "streaming"
    SAMPLING_PARAMETERS = "sampling_parameters"
    STRUCTURED_OUTPUTS = "structured_outputs"
    ROLE_ALTERNATION = "role_alternation"
    """User and assistant have to take turns."""


class Provenance(StrEnum):
    """How a capability came to be known."""

    DECLARED = "declared"
    INFERRED = "inferred"
    PROBED = "probed"


class Known(Struct, frozen=True, gc=False):
    """Whether a capability is there, and how that is known."""

    supported: bool
    provenance: Provenance


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


class Sampling(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Defaults for what a request leaves out; None leaves it to the model."""

    temperature: float | None = None
    max_tokens: int | None = None
    """Most tokens in one answer [tokens]."""
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop_sequences: tuple[str, ...] = ()


class Timeouts(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Deadlines of this LLM's calls, where they differ from the installation's [s]."""

    connect_s: float | None = None
    first_byte_s: float | None = None
    idle_s: float | None = None
    total_s: float | None = None


class Configuration(Struct, frozen=True, kw_only=True, gc=False):
    """What a tenant decides about an LLM, what is secret aside."""

    display_name: str
    description: str | None = None
    provider: Provider | None = None
    protocol: ProtocolName
    endpoints: tuple[Endpoint, ...]
    """In the order in which they are tried."""
    model: str
    deployment_name: str | None = None
    api_version: str | None = None
    sampling: Sampling = Sampling()
    reasoning_effort: ReasoningEffort | None = None
    reasoning_format: ReasoningFormat | None = None
    capabilities: dict[Capability, Known] = {}
    modalities: tuple[Modality, ...] = ()
    """What it takes; empty where nobody said."""
    max_context_length: int | None = None
    """Most tokens of a request and its answer together [tokens]."""
    labels: dict[str, str] = {}
    """What lists are filtered by."""
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    client_config: dict[str, Any] | None = None
    """What the programs that use this LLM want to know; nothing here reads it."""
    version: str | None = None
    monitoring_endpoint: str | None = None
    timeouts: Timeouts = Timeouts()
    enabled: bool = True

    @property
    def origins(self) -> tuple[str, ...]:
        """Where the credential may be sent: each endpoint's origin once, sorted."""
        return tuple(sorted({origin(endpoint.url) for endpoint in self.endpoints}))


class LLM(Struct, frozen=True, kw_only=True, gc=False):
    """One registered LLM as it is stored."""

    id: str
    """A UUID (version 7 unless its maker chose it), unique within the organization."""
    organization_id: str
    owner_id: str
    """The principal it belongs to."""
    configuration: Configuration
    credential: Credential | None = None
    """None where the upstream wants none."""
    headers: tuple[ExtraHeader, ...] = ()
    """What is sent beside the credential; in the order of their names."""
    is_default: bool = False
    """Set by an operator only, like the next one."""
    zero_data_retention: bool = False
    connection_key: bytes | None = None
    """Equal for two LLMs of one owner that reach the same model in the same way [32 bytes]."""
    exclusive_key: bytes | None = None
    """Unique among all: the connection of one that was registered as the only one of its kind."""
    exclusive_name: str | None = None
    """Unique within the organization: the name of one that was registered as its only bearer."""
    revision: int = 0
    """The registry's number of its last change; 0 before it is stored."""
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
