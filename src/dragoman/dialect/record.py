"""A dialect, as the front of the server sees it."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dragoman.domain.errors import DragomanError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
GONE = "dragoman.gone"
"""The extension of ASGI by which our server tells that a caller has gone: a function that takes
what is to be called then, with the handler's task, or None to be left alone again. A handler that
awaits something else than `receive` would not hear of it."""

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Rendered(Struct, frozen=True):
    """A failure in a dialect's own words."""

    status: int
    body: Any
    """What becomes the JSON body."""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    request_id_member: str | None = None
    """The member of the body that names the request, if it does; filled in where it is sent."""

    def named(self, request_id: str) -> "Rendered":
        """Give the failure of this very request."""
        if self.request_id_member is None:
            return self
        return replace(self, body=self.body | {self.request_id_member: request_id})


Render = Callable[[DragomanError], Rendered]


class Dialect(Struct, frozen=True):
    """One API that our callers speak."""

    name: str
    paths: Mapping[str, AsgiApp]
    """What answers at each path without a prefix, and at everything below it."""
    header: bytes = b""
    """In lower case; where dialects share a path, a request that has this header is this one's.
    b'' takes what no other dialect claims."""
    prefix: str = ""
    """Where it is mounted as a whole, such as `/anam`; '' where it has no place of its own."""
    app: AsgiApp | None = None
    """What answers below the prefix."""
