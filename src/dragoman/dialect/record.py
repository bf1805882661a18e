"""A dialect, as the front of the server sees it."""

from collections.abc import Awaitable, Callable, MutableMapping
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
    prefix: str
    """Where it is mounted, such as `/anam`; '' where it has no place of its own."""
    bare_paths: tuple[str, ...]
    """Which paths it answers without its prefix, each with everything below it."""
    app: AsgiApp
