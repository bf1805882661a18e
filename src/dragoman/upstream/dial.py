"""A TCP connection to an address, as a plain socket."""

import asyncio
import errno
import os
import socket
from contextlib import suppress
from typing import Any

_KEEPALIVE_S = 60
"""A model may think for minutes, and NATs forget a connection that is silent for longer than
some five of them; a probe each minute also finds a machine that has vanished."""

_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EINTR})
_CONNECTED = frozenset({0, errno.EISCONN})
_NUMBERS = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


async def dial(address: str, port: int) -> socket.socket:
    """Connect to an address that is written in numbers. Raises OSError.

    A socket rather than a transport: so it is known how far a connection has come when time is
    up, and whoever gets the socket may talk to a proxy before the protocol begins.
    """
    family, kind, number, _, target = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=_NUMBERS
    )[0]
    sock = socket.socket(family, kind, number)
    try:
        sock.setblocking(False)
        _prepare(sock)
        await _connect(sock, target)
    except BaseException:
        sock.close()
        raise
    return sock


def _prepare(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    with suppress(OSError, AttributeError):  # not every system has this one
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)


async def _connect(sock: socket.socket, target: tuple[Any, ...]) -> None:
    """Connect without another look-up, even of numbers, which uvloop's `sock_connect` begins."""
    error = sock.connect_ex(target)
    if error in _UNDER_WAY:
        error = sock.connect_ex(target)  # within one machine the connection is there already
    if error in _UNDER_WAY:
        error = await _outcome(sock)
    if error not in _CONNECTED:
        raise OSError(error, os.strerror(error))


async def _outcome(sock: socket.socket) -> int:
    """Wait until a connection is there or has failed; gives the error's number or 0."""
    loop = asyncio.get_running_loop()
    writable: asyncio.Future[None] = loop.create_future()
    loop.add_writer(sock, _wake, writable)
    try:
        await writable
    finally:
        loop.remove_writer(sock)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
