"""What is shown: GoodMem's LLM objects on the wire (snake_case here is camelCase there).

Sources: as in `schema`. Numbers and booleans are shown as such, which is what both clients parse.
"""

from pydantic import Field

from dragoman.dialects.goodmem.values import (
    CredentialKind,
    DashScopeApiDialect,
    Identifier,
    JsonObject,
    Modality,
    ProviderType,
    Shown,
)


class SecretReference(Shown):
    """The name of a secret that the operator holds."""

    uri: str
    hints: dict[str, str]


class ApiKey(Shown):
    """Where the secret goes; what it is is not shown."""

    inline_secret: str = Field(default="", description="Always `****`.")
    secret_ref: SecretReference = Field(default_factory=lambda: SecretReference(uri="", hints={}))
    header_name: str
    prefix: str


class GcpAdc(Shown):
    """The operator's Google credentials."""

    scopes: list[str]
    quota_project_id: str | None


class Credentials(Shown):
    """How the upstream is told who calls; one of `apiKey` and `gcpAdc` is there."""

    kind: CredentialKind
    api_key: ApiKey | None = None
    gcp_adc: GcpAdc | None = None
    labels: dict[str, str]


class Capabilities(Shown):
    """What the model and its server can do; what is not known is left out."""

    supports_chat: bool = False
    supports_completion: bool = False
    supports_function_calling: bool = False
    supports_system_messages: bool = False
    supports_streaming: bool = False
    supports_sampling_parameters: bool = False


class Sampling(Shown):
    """Defaults for what a call leaves out; null leaves it to the model."""

    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    stop_sequences: list[str] | None


class Llm(Shown):
    """An LLM. Defaults stand for members that are not always there."""

    llm_id: Identifier
    display_name: str
    description: str | None
    provider_type: ProviderType
    endpoint_url: str
    api_path: str | None
    model_identifier: str
    supported_modalities: list[Modality]
    credentials: Credentials | None = Field(
        default=None, description="Where `includeCredentials` asks for it."
    )
    labels: dict[str, str]
    version: str | None
    monitoring_endpoint: str | None
    capabilities: Capabilities
    default_sampling_params: Sampling | None
    max_context_length: int | None
    client_config: JsonObject | None
    owner_id: str
    created_at: int = Field(description="Milliseconds since 1970.")
    updated_at: int = Field(description="Milliseconds since 1970.")
    created_by_id: str
    updated_by_id: str
    dashscope_api_dialect: DashScopeApiDialect = Field(
        default="OPENAI_COMPATIBLE", description="For DASHSCOPE only."
    )


class Status(Shown):
    """Something that the server did on its own."""

    code: str
    message: str


class CreatedLlm(Shown):
    """A new LLM, and what was inferred about it."""

    llm: Llm
    statuses: list[Status]


class LlmList(Shown):
    """All LLMs that were asked for."""

    llms: list[Llm]


class Error(Shown):
    """A failure; `code` is the name of a gRPC status, or SECRET_REQUIRED."""

    error: str
    code: str
