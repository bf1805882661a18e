"""The server that carries out scripts, and what a test sees of it."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, cast

from dragoman.domain.url import Origin

_ENDLESS_S = 20
"""Whoever has waited this long for a client to hang up waits in vain [s]."""


class Request(NamedTuple):
    """One request as it arrived."""

    head: bytes
    """Request line and headers, with the empty line."""
    body: bytes

    def header(self, name: str) -> bytes | None:
        """Give a header's value, or None."""
        found = re.search(rb"(?im)^" + name.encode() + rb":[ \t]*(.*?)[ \t]*\r$", self.head)
        return found and found[1]


class HungUp(Exception):
    """The client has closed the connection while a step was waiting for it."""


class Peer(asyncio.Protocol):
    """One connection, seen from the upstream."""

    def __init__(self, upstream: "ScriptedUpstream", script: "Script") -> None:
        self.received = bytearray()
        """What has arrived and no step has read."""
        self.requests: list[Request] = []
        self.gone = asyncio.Event()
        """Set when the client has closed its side, or the connection broke."""
        self.transport: asyncio.Transport
        self._upstream = upstream
        self._script = script
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._task: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._upstream.peers.append(self)
        self._task = asyncio.get_running_loop().create_task(self._perform())

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._news.set()

    def eof_received(self) -> bool:
        self._hang_up()
        return True  # our side is closed by a step, or not at all

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._hang_up()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    async def take(self, size: int) -> bytes:
        """Wait for so many bytes and give them."""
        while len(self.received) < size:
            await self.news()
        taken = bytes(self.received[:size])
        del self.received[:size]
        return taken

    async def take_head(self) -> Request:
        """Wait for the head of a request and give it."""
        while (end := self.received.find(b"\r\n\r\n")) < 0:
            await self.news()
        return Request(await self.take(end + 4), b"")

    async def news(self) -> None:
        """Wait until more has arrived; raises `HungUp` if nothing more will."""
        self._news.clear()
        if self.gone.is_set():
            raise HungUp
        await self._news.wait()

    async def left(self) -> None:
        """Wait until the client has hung up; raises TimeoutError if it does not."""
        async with asyncio.timeout(_ENDLESS_S):
            await self.gone.wait()

    def remember(self, request: Request) -> None:
        self.requests.append(request)
        self._upstream.requests.append(request)

    def write(self, data: bytes) -> None:
        """Send, or raise `HungUp` if there is nobody any more."""
        if self.transport.is_closing():
            raise HungUp
        self.transport.write(data)

    def close_half(self) -> None:
        """Close our direction only; the client may have gone before."""
        with suppress(OSError):
            self.transport.write_eof()

    async def room(self) -> None:
        """Wait until the client takes more; raises `HungUp` if it never will."""
        await self._room.wait()
        if self.gone.is_set():
            raise HungUp

    async def end(self) -> BaseException | None:
        """Stop the script and close; gives the mistake that had ended it, if any."""
        self._task.cancel()
        await asyncio.wait([self._task])
        self.transport.abort()
        return None if self._task.cancelled() else self._task.exception()

    async def _perform(self) -> None:
        with suppress(HungUp):
            for step in self._script:
                await step(self)

    def _hang_up(self) -> None:
        self.gone.set()
        self._news.set()
        self._room.set()


Step = Callable[[Peer], Awaitable[None]]
Script = tuple[Step, ...]


class ScriptedUpstream:
    """A server on loopback; `serving` makes one."""

    def __init__(self, scripts: list[Script], *, encrypted: bool) -> None:
        self.peers: list[Peer] = []
        """Every connection so far, in the order in which they were opened."""
        self.requests: list[Request] = []
        """Every request that a step has read, on whatever connection."""
        self.port = 0
        self._scripts = scripts
        self._scheme = "https" if encrypted else "http"

    @property
    def origin(self) -> Origin:
        return Origin(self._scheme, "127.0.0.1", self.port)

    @property
    def url(self) -> str:
        """Where it listens: scheme, address and port."""
        return str(self.origin)

    @property
    def open_peers(self) -> list[Peer]:
        """Connections that the client has not closed."""
        return [peer for peer in self.peers if not peer.gone.is_set()]

    def connected(self) -> Peer:
        last = len(self._scripts) == 1
        return Peer(self, self._scripts[0] if last else self._scripts.pop(0))


@asynccontextmanager
async def serving(
    *script: Step | list[Step], tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedUpstream]:
    """Serve one script (its steps), or several (lists of steps, one per connection)."""
    lists = [tuple(part) for part in script if isinstance(part, list)]
    steps = tuple(part for part in script if not isinstance(part, list))
    assert not (lists and steps), "give either steps or lists of steps"
    upstream = ScriptedUpstream(lists or [steps], encrypted=tls is not None)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(upstream.connected, "127.0.0.1", 0, ssl=tls)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        mistakes = [mistake for peer in upstream.peers if (mistake := await peer.end())]
        await server.wait_closed()
    if mistakes:
        raise mistakes[0]
