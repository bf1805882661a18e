"""A TCP connection to an address, before it is decided what is spoken over it."""

import asyncio
import socket
from contextlib import suppress
from typing import cast

_KEEPALIVE_S = 60
"""A model may think for minutes, and NATs forget a connection that is silent for longer than
some five of them; a probe each minute also finds a machine that has vanished."""


_UNREAD_BYTES = 192 * 1024
"""Of an answer that its caller takes slowly the kernel would keep megabytes. From an upstream that
is 0.1 s away, this still lets through some 2 MB in a second [bytes]."""


class Line(asyncio.Protocol):
    """A connection without a protocol of its own yet; it keeps what comes.

    The descriptor stays the transport's from beginning to end. A Python socket that uvloop takes
    over has two owners for a moment, and a connection that ends in it may leave one of them with a
    number that is somebody else's by then.
    """

    def __init__(self) -> None:
        self.received = bytearray()
        self.has_ended = False
        """Whether the other side has hung up."""
        self.transport: asyncio.Transport
        self._news: asyncio.Future[None] | None = None

    async def more(self) -> None:
        """Wait until more has come, or the other side has hung up."""
        if not self.has_ended:
            self._news = asyncio.get_running_loop().create_future()
            await self._news

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self.received += data
        self._wake()

    def eof_received(self) -> None:
        """Take note of the end; the transport closes itself."""
        self.has_ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Take note of the end."""
        self.has_ended = True
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


async def dial(address: str, port: int) -> Line:
    """Connect to an address that is written in numbers, without a look-up. Raises OSError."""
    _, line = await asyncio.get_running_loop().create_connection(Line, address, port)
    sock = line.transport.get_extra_info("socket")
    with suppress(OSError, AttributeError):  # not every system has all options
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UNREAD_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
    return line
