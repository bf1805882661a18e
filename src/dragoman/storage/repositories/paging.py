"""What all lists in SQL share: their order, where a page begins, and where it ends."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from dragoman.domain.page import Cursor, Page, PageQuery

T = TypeVar("T")

NEWEST_FIRST = " ORDER BY created_at_ms DESC, id DESC "


def beginning(
    query: PageQuery, parameters: dict[str, Any], at: str = "created_at_ms", id_: str = "id"
) -> list[str]:
    """Write the condition, if any, that a page begins with, and add its values.

    One row more than asked for is read: it tells whether there is another page.
    """
    parameters["limit"] = query.limit + 1
    if query.after is None:
        return []
    parameters |= {"after_ms": query.after.at_ms, "after_id": query.after.id}
    return [f"({at}, {id_}) < (:after_ms, :after_id)"]


def one_page(
    rows: Sequence[T], query: PageQuery, cursor: Callable[[T], Cursor], total: int | None = None
) -> Page[T]:
    """Make a page of rows that were read with `beginning`."""
    items = tuple(rows[: query.limit])
    more = len(rows) > query.limit
    return Page(items, total, cursor(items[-1]) if more else None)


def containing(text: str) -> str:
    """Write the LIKE pattern, with '!' as its escape, of all texts that contain this one."""
    for character in "!%_":
        text = text.replace(character, f"!{character}")
    return f"%{text}%"
