"""A dialect, as the front of the server sees it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from dragoman.domain.errors import DragomanError
from dragoman.domain.ports import Headers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
CALLER = "dragoman.caller"
"""The extension of ASGI that our server has for each request: a `Caller`."""


class Caller(Protocol):
    """What ASGI has no word for, and what it takes several messages to say."""

    @property
    def kept(self) -> dict[Any, Any]:
        """What was kept with the head of this request.

        It comes again when the same head comes again on the same connection, byte for byte. So it
        is for what follows from the head alone, and never for a verdict on it.
        """
        ...

    def when_gone(self, callback: Callable[[asyncio.Task[None]], object] | None) -> None:
        """Have something called, with the handler's task, when the caller goes away.

        A handler that awaits something else than `receive` would not hear of it. None is to be
        left alone again.
        """
        ...

    def rest_of_body(self) -> bytes | None:
        """Give what has not been read of the body, if all of that is there."""
        ...

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Write a whole answer, when there is room for it."""
        ...


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
