"""Anam's LLM objects on the wire: spellings (snake_case here is camelCase there), types, enums.

Sources: Anam's OpenAPI (api.anam.ai/swagger.json) as shown on its pages "create llm", "update
llm" and "get llm", last modified on 2026-04-22. Where they contradict each other, README.md says
what is accepted here.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from dragoman.dialect.endless import MAX_LISTED

Format = Literal[
    "openai",
    "azure_openai",
    "groq_openai",
    "gemini",
    "advanced_voice",
    "none",
    "anthropic",
    "custom",
]
Effort = Literal["default", "low", "medium", "high"]
ReasoningStyle = Literal["parsed", "raw", "hidden"]
Finite = Annotated[float, Field(allow_inf_nan=False)]


ABSENT: Any = object()


class _Wire(BaseModel):
    """Strict about types, deaf to members it does not know, silent about rejected values."""

    model_config = ConfigDict(
        strict=True, extra="ignore", hide_input_in_errors=True, alias_generator=to_camel
    )


class _Shown(_Wire):
    """An answer, which our own code fills in by our own names."""

    model_config = ConfigDict(validate_by_name=True)


class LlmUrl(_Shown):
    """One endpoint; `region` is a hint by which it is chosen."""

    url: str
    region: str | None = None


Urls = Annotated[list[LlmUrl], Field(max_length=MAX_LISTED)]


class LlmInput(_Wire):
    """What create and update have in common."""

    description: str | None = None
    metadata: dict[str, Any] | None = None
    reasoning_effort: Effort | None = None
    reasoning_format: ReasoningStyle | None = None
    temperature: Finite | None = None
    max_tokens: int | None = None
    deployment_name: str | None = None
    api_version: str | None = None
    display_tags: Annotated[list[str], Field(max_length=MAX_LISTED)] | None = None
    url: str = Field(
        default_factory=lambda: ABSENT, description="The older spelling of `urls` with one entry."
    )
    urls: Urls = []


class LlmCreate(LlmInput):
    """A new LLM."""

    display_name: str
    llm_format: Format
    model_name: str
    secret: str = Field(
        json_schema_extra={"writeOnly": True}, description="Empty: the server wants no credential."
    )
    urls: Urls = Field(default_factory=lambda: ABSENT, validate_default=True)

    @field_validator("urls", mode="before")
    @classmethod
    def _or_url(cls, value: object, info: ValidationInfo) -> object:
        """Take no `urls` where there is a `url`, be it a bad one."""
        if value is not ABSENT:
            return value
        if info.data.get("url") is ABSENT:
            raise PydanticCustomError("missing", "Field required")
        return []


class LlmUpdate(LlmInput):
    """A change: what is not there stays as it is."""

    display_name: str = ""
    llm_format: Format = "none"
    model_name: str = ""
    secret: str = Field(default="", json_schema_extra={"writeOnly": True})


class Llm(_Shown):
    """An LLM as it is shown; the reasoning members are left out while they are unset."""

    id: str
    display_name: str
    description: str | None
    llm_format: Format
    urls: list[LlmUrl]
    model_name: str | None
    temperature: float | None
    max_tokens: int | None
    deployment_name: str | None
    api_version: str | None
    metadata: dict[str, Any]
    display_tags: list[str]
    is_default: bool
    is_global: bool
    is_zdr: bool
    reasoning_effort: Effort = "default"
    reasoning_format: ReasoningStyle = "parsed"
    created_by_organization_id: str | None
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    updated_at: str | None = Field(json_schema_extra={"format": "date-time"})


class PageMeta(_Shown):
    """Where a page stands; `prev` and `next` are page numbers."""

    total: int
    last_page: int
    current_page: int
    per_page: int
    prev: int | None
    next: int | None


class LlmPage(_Shown):
    """One page of a list."""

    data: list[Llm]
    meta: PageMeta


class Error(_Shown):
    """A failure."""

    error: str


class Detail(_Shown):
    """One member at fault."""

    path: str
    message: str
    code: str


class ValidationError(Error):
    """A failure of one or more members; `summary` joins them into one line."""

    details: list[Detail]
    summary: str
