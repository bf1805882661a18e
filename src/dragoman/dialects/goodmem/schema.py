"""What requests bring: GoodMem's LLM objects on the wire (snake_case here is camelCase there).

Sources: GoodMem's page "Create a new LLM" and the models of its published clients goodmem 0.1.43
and goodmem-client 1.5.14 (PyPI, 2026-11). Where they contradict each other, README.md says what is
accepted here.
"""

from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from dragoman.dialect.endless import MAX_LISTED
from dragoman.dialects.goodmem.values import (
    Asked,
    BaseUrl,
    CredentialKind,
    DashScopeApiDialect,
    Flag,
    Identifier,
    JsonObject,
    Labels,
    Modality,
    Number,
    ProviderType,
    StopSequences,
    Texts,
    Whole,
)

PAYLOADS = {"CREDENTIAL_KIND_API_KEY": "apiKey", "CREDENTIAL_KIND_GCP_ADC": "gcpAdc"}
"""The member that each kind of credential consists of."""

UNSPECIFIED = "CREDENTIAL_KIND_UNSPECIFIED"


class SecretReference(Asked):
    """The name of a secret that the operator holds."""

    uri: str = Field(examples=["env://OPENAI_KEY", "vault://kv/llms#openai"])
    hints: Texts | None = Field(default=None, description="Kept, and not acted on.")


class ApiKey(Asked):
    """A secret, or the name of one, and the header it goes into."""

    inline_secret: str | None = Field(
        default=None,
        json_schema_extra={"writeOnly": True},
        description="Sealed when it comes, and never shown again.",
    )
    secret_ref: SecretReference | None = None
    header_name: str | None = Field(default=None, description="By default `Authorization`.")
    prefix: str | None = Field(
        default=None, description="By default `Bearer ` in `Authorization`, else nothing."
    )

    @model_validator(mode="after")
    def _has_one_secret(self) -> Self:
        """Want exactly one of the two."""
        if (self.inline_secret is None) == (self.secret_ref is None):
            raise PydanticCustomError(
                "one_of",
                "needs either inlineSecret or secretRef; "
                "to keep what is stored, leave credentials out as a whole",
            )
        return self


class GcpAdc(Asked):
    """The operator's Google credentials."""

    scopes: Annotated[list[str], Field(max_length=MAX_LISTED)] | None = None
    quota_project_id: str | None = None


class Credentials(Asked):
    """How the upstream is told who calls."""

    kind: CredentialKind
    api_key: ApiKey | None = None
    gcp_adc: GcpAdc | None = None
    labels: Labels | None = None

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> Self:
        """Want the one member that the kind names, and no other."""
        there = [
            name for name, part in (("apiKey", self.api_key), ("gcpAdc", self.gcp_adc)) if part
        ]
        wanted = [PAYLOADS[self.kind]] if self.kind in PAYLOADS else []
        if there != wanted:
            raise PydanticCustomError(
                "kind",
                "must have {wanted} and no other credential, as its kind says",
                {"wanted": wanted[0] if wanted else "neither apiKey nor gcpAdc"},
            )
        return self


class Capabilities(Asked):
    """What the model and its server can do; what is left out is inferred."""

    supports_chat: Flag | None = None
    supports_completion: Flag | None = None
    supports_function_calling: Flag | None = None
    supports_system_messages: Flag | None = None
    supports_streaming: Flag | None = None
    supports_sampling_parameters: Flag | None = None


class Sampling(Asked):
    """Defaults for what a call leaves out."""

    max_tokens: Whole | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    top_k: Whole | None = None
    frequency_penalty: Number | None = None
    presence_penalty: Number | None = None
    stop_sequences: StopSequences | None = None


class LlmInput(Asked):
    """What create and update have in common; null counts as left out unless it says more."""

    description: str | None = None
    api_path: str | None = Field(
        default=None, description="By default, and where it is blank, `/chat/completions`."
    )
    supported_modalities: Annotated[list[Modality], Field(max_length=MAX_LISTED)] | None = None
    credentials: Credentials | None = None
    version: str | None = None
    monitoring_endpoint: str | None = None
    capabilities: Capabilities | None = None
    default_sampling_params: Sampling | None = None
    max_context_length: Whole | None = Field(default=None, description="[tokens]")
    client_config: JsonObject | None = None


class LlmCreate(LlmInput):
    """A new LLM."""

    display_name: str = Field(min_length=1, max_length=255, examples=["GPT-5 for search"])
    provider_type: ProviderType
    endpoint_url: BaseUrl = Field(examples=["https://api.openai.com/v1"])
    model_identifier: str = Field(min_length=1, examples=["gpt-5-nano"])
    labels: Labels | None = None
    owner_id: Identifier | None = Field(default=None, description="By default the caller.")
    llm_id: Identifier | None = Field(default=None, description="A UUID of your own choice.")
    dashscope_api_dialect: DashScopeApiDialect | None = Field(
        default=None, description="For DASHSCOPE only; by default OPENAI_COMPATIBLE."
    )

    @field_validator("dashscope_api_dialect")
    @classmethod
    def _of_dashscope(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("provider_type") not in {None, "DASHSCOPE"}:
            raise PydanticCustomError("conflict", "belongs to the provider DASHSCOPE only")
        return value


class LlmUpdate(LlmInput):
    """A change: what is not there stays. Null clears description, version, monitoringEndpoint."""

    display_name: str | None = None
    provider_type: ProviderType | None = Field(
        default=None, description="Cannot be changed; taken where it is the same."
    )
    endpoint_url: BaseUrl | None = None
    model_identifier: str | None = None
    replace_labels: Labels | None = None
    merge_labels: Labels | None = None
    dashscope_api_dialect: DashScopeApiDialect | None = Field(
        default=None, description="For DASHSCOPE only."
    )

    @field_validator("merge_labels")
    @classmethod
    def _not_both(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("replace_labels") is not None:
            raise PydanticCustomError("conflict", "send mergeLabels or replaceLabels, not both")
        return value

    @field_validator("credentials")
    @classmethod
    def _names_one(cls, value: Credentials | None) -> Credentials | None:
        if value is not None and value.kind == UNSPECIFIED:
            raise PydanticCustomError(
                "empty", "must name a credential; leave it out to keep what is stored"
            )
        return value
