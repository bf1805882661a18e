"""Pages of a list."""

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class LLMQuery(Struct, frozen=True, kw_only=True, gc=False):
    """Which LLMs a list asks for, newest first."""

    search: str | None = None
    """A text that the display name, the description or the model contains, case aside."""
    include_platform: bool = True
    offset: int = 0
    limit: int = 10


class Page(Struct, Generic[T], frozen=True):
    """Some rows, and how many there are in all."""

    items: tuple[T, ...]
    total: int
