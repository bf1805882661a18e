"""A dialect, as the front of the server sees it."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from msgspec import Struct

from dragoman.domain.errors import DragomanError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Rendered(Struct, frozen=True):
    """A failure in a dialect's own words."""

    status: int
    body: Any
    """What becomes the JSON body."""
    headers: tuple[tuple[str, str], ...] = ()


Render = Callable[[DragomanError], Rendered]


class Dialect(Struct, frozen=True):
    """One API that our callers speak."""

    name: str
    paths: Mapping[str, AsgiApp]
    """What answers at each path that is this dialect's alone, and at everything below it."""
    prefix: str = ""
    """Where it is mounted as a whole, such as `/anam`; '' where it has no place of its own."""
    app: AsgiApp | None = None
    """What answers below the prefix."""
