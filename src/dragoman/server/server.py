"""All callers of one process: accepting them, looking after them, and letting them end."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING

from dragoman.dialect.record import AsgiApp
from dragoman.server.connection import Connection
from dragoman.server.limits import Limits

if TYPE_CHECKING:
    from dragoman.server.request import Request

log = logging.getLogger(__name__)

BACKLOG = 2048

LOOK_INTERVAL_S = 0.5
"""How often every connection is looked at. One look at 10 000 of them takes a few milliseconds,
and spares each request the timers that a deadline would cost it."""

BEING_TOLD = 64
"""How many callers may be there beyond the limit, to be told that there is no room."""

LAST_WORDS_S = 2.0
"""How long the answers that were ended by the drain's deadline may take to say so [s]."""


class Server:
    """Serves an ASGI application on listening sockets."""

    def __init__(self, app: AsgiApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.is_draining = False
        self.connections: set[Connection] = set()
        self.running: set[Request] = set()
        """The requests whose handlers have not returned."""
        self._ended = asyncio.Event()
        """Set whenever a handler has returned or a connection has closed."""
        self._servers: list[asyncio.Server] = []
        self.tails = b"", b""
        """What a head ends with, of a connection that goes on, and of one that does not."""
        self._look()

    async def listen(self, sock: socket.socket) -> None:
        """Begin to accept callers on a socket that is bound."""
        server = await self.loop.create_server(lambda: Connection(self), sock=sock, backlog=BACKLOG)
        self._servers.append(server)

    async def drain(self, deadline_s: float, end_calls: Callable[[], Awaitable[object]]) -> None:
        """Take no new work, and wait for what is under way.

        After the deadline `end_calls` is to make the calls end that still run; what does not end
        then either is cut.
        """
        self.is_draining = True
        for server in self._servers:
            server.close()
        for connection in tuple(self.connections):
            connection.drain()
        await self._finished(deadline_s)
        if self.running:
            await end_calls()
            await self._finished(LAST_WORDS_S)
        for request in tuple(self.running):
            if request.task is not None:
                request.task.cancel()
        await self._finished(LAST_WORDS_S)
        self._looking.cancel()
        for connection in tuple(self.connections):
            connection.abort()

    # --- What a connection uses ---

    def admit(self, connection: Connection) -> bool:
        """Take note of a caller; False if there are too many.

        Each is told so, unless those who are being told are too many as well.
        """
        self.connections.add(connection)
        over = len(self.connections) - self.limits.connections
        if over > BEING_TOLD:
            connection.abort()
        return over <= 0 and not self.is_draining

    def forget(self, connection: Connection) -> None:
        """Take note that a connection has closed."""
        self.connections.discard(connection)
        self._ended.set()

    def forget_request(self, request: "Request") -> None:
        """Take note that a request's handler has returned."""
        self.running.discard(request)
        self._ended.set()

    # --- What follows ---

    async def _finished(self, timeout_s: float) -> None:
        """Wait until nothing runs and all is sent, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.running or self.connections:
                    self._ended.clear()
                    await self._ended.wait()

    def _look(self) -> None:
        """Look at every connection's deadlines, and at the clock."""
        self._looking = self.loop.call_later(LOOK_INTERVAL_S, self._look)
        date = b"date: %b\r\n" % formatdate(usegmt=True).encode()
        self.tails = date + b"\r\n", date + b"connection: close\r\n\r\n"
        now = self.loop.time()
        for connection in tuple(self.connections):
            try:
                connection.look(now)
            except Exception:
                log.exception("look_failed")
                connection.abort()
