"""LLMs on the wire, as they are shown."""

from pydantic import Field

from dragoman.dialects.dragoman.values import Identifier, JsonObject, Moment, Shown
from dragoman.domain import llm as domain
from dragoman.domain.credential import CredentialKind
from dragoman.vault.secret import MASK


class Endpoint(Shown):
    """One address, whole and taken apart."""

    url: str
    base_url: str
    path: str
    region: str | None


class Credential(Shown):
    """Where the credential comes from and goes. The secret itself is never shown."""

    kind: CredentialKind
    reference: str | None = Field(description="Of a `secret_reference`, like `hints`; else null.")
    hints: dict[str, str] | None
    scopes: list[str] | None = Field(
        description="Of `google_adc`, like `quota_project_id`; else null."
    )
    quota_project_id: str | None
    header: str
    prefix: str
    labels: dict[str, str]


class Sampling(Shown):
    """Defaults for what a call leaves out; null leaves it to the model."""

    temperature: float | None
    max_tokens: int | None
    top_p: float | None
    top_k: int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    stop_sequences: list[str]


class Reasoning(Shown):
    """How much a model thinks, and where its thoughts go."""

    effort: domain.ReasoningEffort | None
    format: domain.ReasoningFormat | None


class Timeouts(Shown):
    """Deadlines of calls; null where the installation's count [s]."""

    connect_s: float | None
    first_byte_s: float | None
    idle_s: float | None
    total_s: float | None


class Llm(Shown):
    """An LLM as it is shown."""

    id: Identifier
    organization_id: Identifier
    owner_id: Identifier
    display_name: str
    description: str | None
    provider: domain.Provider | None
    protocol: domain.ProtocolName
    endpoints: list[Endpoint]
    model: str
    deployment_name: str | None
    api_version: str | None
    credential: Credential | None
    headers: dict[str, str] = Field(description=f"Every value is shown as `{MASK}`.")
    sampling: Sampling
    reasoning: Reasoning
    capabilities: dict[domain.Capability, bool]
    capability_provenance: dict[domain.Capability, domain.Provenance]
    modalities: list[domain.Modality]
    max_context_length: int | None
    labels: dict[str, str]
    tags: list[str]
    metadata: JsonObject
    client_config: JsonObject | None
    version: str | None
    monitoring_endpoint: str | None
    timeouts: Timeouts
    enabled: bool
    is_default: bool
    is_platform: bool
    zero_data_retention: bool
    revision: int
    created_at: Moment
    created_by: str
    updated_at: Moment | None
    updated_by: str | None


class LlmPage(Shown):
    """One page of LLMs."""

    items: list[Llm]
    next_page_token: str | None
