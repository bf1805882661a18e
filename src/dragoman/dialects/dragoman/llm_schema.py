"""LLMs on the wire: what is sent, what a patch may say, what can be asked for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from dragoman.dialect.endless import MAX_LISTED, ending
from dragoman.dialects.dragoman.values import (
    Asked,
    Filters,
    Flag,
    JsonObject,
    Number,
    PageParameters,
    Search,
    Selector,
    Text,
    Texts,
    Whole,
)
from dragoman.domain import llm as domain
from dragoman.domain.credential import CredentialKind
from dragoman.registry.asked import Unique

# Members arrive as JSON, where a value of an enum is a text.
_BY_VALUE = Field(strict=False)
Protocol = Annotated[domain.ProtocolName, _BY_VALUE]
Provider = Annotated[domain.Provider, _BY_VALUE]
Modality = Annotated[domain.Modality, _BY_VALUE]
Capability = Annotated[domain.Capability, _BY_VALUE]
Effort = Annotated[domain.ReasoningEffort, _BY_VALUE]
Format = Annotated[domain.ReasoningFormat, _BY_VALUE]

Kind = Annotated[CredentialKind, _BY_VALUE]

MEMBERS_OF_KINDS: Mapping[str, CredentialKind] = MappingProxyType(
    {
        "secret": CredentialKind.API_KEY,
        "reference": CredentialKind.SECRET_REFERENCE,
        "hints": CredentialKind.SECRET_REFERENCE,
        "scopes": CredentialKind.GOOGLE_ADC,
        "quota_project_id": CredentialKind.GOOGLE_ADC,
    }
)
"""Members of a credential that belong to one kind; null stands for not being there."""

ListedTexts = Annotated[list[str], Field(max_length=MAX_LISTED)]


class EndpointInput(Asked):
    """One address: `url`, or `base_url` and `path`, or all three if they say the same."""

    url: str | None = Field(default=None, examples=["https://api.openai.com/v1/chat/completions"])
    base_url: str | None = None
    path: str | None = None
    region: str | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        """Know the whole URL, once."""
        if (self.base_url is None) != (self.path is None):
            raise PydanticCustomError("incomplete", "needs base_url and path together, or url")
        if self.base_url is None and self.url is None:
            raise PydanticCustomError("missing", "needs url, or base_url and path")
        joined = f"{self.base_url}{self.path}"
        if self.base_url is not None and self.url not in {None, joined}:
            raise PydanticCustomError("conflict", "url must be base_url followed by path")
        return self


class CredentialInput(Asked):
    """What the upstream wants: an API key, or something that the operator holds and has granted."""

    kind: Kind | None = Field(
        default=None, description="By default what the other members say, else `api_key`."
    )
    secret: str = Field(
        default_factory=str,
        min_length=1,
        json_schema_extra={"writeOnly": True},
        description="Of an `api_key`. Sealed when it comes, and never shown again.",
    )
    reference: str | None = Field(
        default=None,
        description="Of a `secret_reference`: `env://NAME`, `file:///path` or "
        "`vault://mount/path#field`.",
        examples=["env://OPENAI_API_KEY"],
    )
    hints: Texts | None = Field(
        default=None, description="Of a `secret_reference`: notes that nothing here acts on."
    )
    scopes: ListedTexts | None = Field(
        default=None, description="Of `google_adc`; by default that of Google Cloud as a whole."
    )
    quota_project_id: str | None = Field(
        default=None, description="Of `google_adc`: the project that is billed."
    )
    header: str | None = Field(
        default=None, description="By default the one that the protocol's servers read."
    )
    prefix: str | None = Field(
        default=None, description="By default `Bearer ` in `Authorization`, else nothing."
    )
    labels: Texts | None = Field(
        default=None, description="Your notes about it.", examples=[{"rotated": "2026-11"}]
    )

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        """Have a kind, and nothing of another one; null says nothing."""
        said = {
            name
            for name in self.model_fields_set & MEMBERS_OF_KINDS.keys()
            if getattr(self, name) is not None
        }
        kinds = {MEMBERS_OF_KINDS[name] for name in said}
        if self.kind is not None:
            kinds.add(self.kind)
        if len(kinds) > 1:
            raise PydanticCustomError(
                "conflict", "has members of several kinds: " + ", ".join(sorted(said))
            )
        return self


class SamplingInput(Asked):
    """Defaults for what a call leaves out."""

    temperature: Number | None = None
    max_tokens: Whole | None = Field(default=None, description="Most tokens in one answer.")
    top_p: Number | None = None
    top_k: Whole | None = None
    frequency_penalty: Number | None = None
    presence_penalty: Number | None = None
    stop_sequences: ListedTexts | None = None


class ReasoningInput(Asked):
    """How much a model thinks, and where its thoughts go."""

    effort: Effort | None = None
    format: Format | None = None


class TimeoutsInput(Asked):
    """Deadlines of calls, where they differ from the installation's [s]."""

    connect_s: Number | None = None
    first_byte_s: Number | None = None
    idle_s: Number | None = None
    total_s: Number | None = None


class LlmInput(Asked):
    """What may be empty; null empties it."""

    description: str | None = None
    provider: Provider | None = None
    deployment_name: str | None = None
    api_version: str | None = None
    credential: CredentialInput | None = Field(
        default=None, description="null: the upstream wants none."
    )
    headers: Texts | None = Field(
        default=None,
        description="Sent beside the credential. Values are sealed; null takes a header away.",
        json_schema_extra={"examples": [{"x-title": "avatars"}]},
    )
    sampling: SamplingInput | None = None
    reasoning: ReasoningInput | None = None
    capabilities: Annotated[dict[Capability, bool | None], BeforeValidator(ending)] | None = Field(
        default=None, description="What is named here counts as declared."
    )
    modalities: list[Modality] | None = Field(default=None, max_length=MAX_LISTED)
    max_context_length: Whole | None = Field(
        default=None, description="Most tokens of a request and its answer together."
    )
    labels: Texts | None = Field(
        default=None, description="What lists are filtered by.", examples=[{"env": "prod"}]
    )
    tags: ListedTexts | None = None
    metadata: JsonObject | None = None
    client_config: JsonObject | None = None
    version: str | None = None
    monitoring_endpoint: str | None = None
    timeouts: TimeoutsInput | None = None


class LlmCreate(LlmInput):
    """A new LLM."""

    id: str | None = Field(default=None, description="A UUID of your own choice, in lower case.")
    owner_id: str | None = Field(
        default=None, description="The principal it belongs to; by default the caller."
    )
    display_name: str = Field(examples=["gpt-4o for avatars"])
    protocol: Protocol = Field(examples=["openai"])
    endpoints: list[EndpointInput] = Field(
        max_length=MAX_LISTED,
        description="In the order in which they are tried.",
        examples=[[{"url": "https://api.openai.com/v1/chat/completions"}]],
    )
    model: str = Field(examples=["gpt-4o"])
    enabled: bool = True


class LlmPatch(LlmInput):
    """A merge patch (RFC 7396): what is not there stays, null empties, objects are merged.

    What is made by a factory here is never read: it stands for what was not sent.
    """

    display_name: str = Field(default_factory=str)
    protocol: Protocol = Field(default_factory=lambda: domain.ProtocolName.NONE)
    endpoints: list[EndpointInput] = Field(default_factory=list, max_length=MAX_LISTED)
    model: str = Field(default_factory=str)
    enabled: bool = Field(default_factory=bool)


class LlmFilters(PageParameters):
    """Which LLMs; all conditions have to hold."""

    display_name: Text | None = None
    provider: domain.Provider | None = None
    protocol: domain.ProtocolName | None = None
    model: Text | None = None
    owner_id: Text | None = None
    enabled: Flag | None = None
    is_default: Flag | None = None
    zero_data_retention: Flag | None = None
    search: Search | None = Field(
        default=None,
        description="A text that the display name, the description or the model contains, "
        "case aside.",
    )
    labels: Selector | None = Field(
        default=None,
        description="A selector of labels, as in Kubernetes.",
        examples=["env=prod, tier in (a, b), !legacy"],
    )
    include_platform: Flag = Field(
        default=True, description="Whether the platform's own LLMs are listed too."
    )


class DeleteParameters(Filters):
    """How to delete."""

    dry_run: Flag = Field(default=False, description="Try it in full, and leave no trace.")


class WriteParameters(DeleteParameters):
    """How to write."""

    unique: list[Unique] = Field(
        default=[],
        description="Refuse (409) a second LLM of this name in the organization, or a second one "
        "of the same owner that reaches the same model in the same way.",
    )
