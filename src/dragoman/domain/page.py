"""What lists ask for, and the pages that answer."""

from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from dragoman.domain.labels import Requirement
from dragoman.domain.llm import Provider

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200


class Cursor(NamedTuple):
    """The last row of a page, by what lists are sorted by: newest first, then by id."""

    at_ms: int
    id: str


class Page(Struct, Generic[T], frozen=True):
    """Some rows of a list."""

    items: tuple[T, ...]
    total: int | None = None
    """How many rows the whole list has, where that was asked for."""
    next: Cursor | None = None
    """Where the next page begins; None on the last one."""


class PageQuery(Struct, frozen=True, kw_only=True, gc=False):
    """Which part of a list, newest first."""

    after: Cursor | None = None
    limit: int = DEFAULT_PAGE_SIZE


class LLMQuery(PageQuery, frozen=True, kw_only=True, gc=False):
    """Which LLMs a list asks for; all conditions have to hold."""

    search: str | None = None
    """A text that the display name, the description or the model contains, case aside."""
    equal: Mapping[str, str | bool] = {}
    """Members that have these values; `LLM_FILTERS` says which can be asked for."""
    providers: tuple[Provider | None, ...] = ()
    """One of these, where None is one that nobody named; empty: whichever it is."""
    labels: tuple[Requirement, ...] = ()
    include_platform: bool = True
    offset: int = 0
    counted: bool = False
    """Whether to count the whole list too."""


LLM_FILTERS = (
    "display_name",
    "provider",
    "protocol",
    "model",
    "owner_id",
    "enabled",
    "is_default",
    "zero_data_retention",
)


class AuditQuery(PageQuery, frozen=True, kw_only=True, gc=False):
    """Which entries of the audit trail a list asks for; all conditions have to hold."""

    equal: Mapping[str, str] = {}
    """Members that have these values; `AUDIT_FILTERS` says which can be asked for."""
    since_ms: int | None = None
    """At or after this time [ms since 1970]."""
    until_ms: int | None = None
    """Before this time [ms since 1970]."""


AUDIT_FILTERS = ("actor_id", "key_id", "action", "target_id", "request_id")
