"""What is asked of the sockets of callers, beside sending and receiving."""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress

_UNSENT_BYTES = 128 * 1024
"""More than this is not put into a socket that has not sent it [bytes]: the kernel would take
megabytes for a caller that reads slowly."""

_KEEPALIVE_S = 60
"""A caller that waits for a model is silent; one that has vanished does not answer a probe."""

_ESTABLISHED = 1

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


def prepare(transport: asyncio.Transport) -> None:
    """Set a new socket's options, as far as this system has them."""
    sock = transport.get_extra_info("socket")
    with suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)


def has_gone(transport: asyncio.Transport) -> bool:
    """Tell whether the caller has closed its side, without reading; False where unknown."""
    sock = transport.get_extra_info("socket")
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    except (OSError, AttributeError):
        return False
    return bool(told[0] != _ESTABLISHED)


def reset_at_close(transport: asyncio.Transport) -> None:
    """Have a socket closed by a reset, which drops what is not sent."""
    with suppress(OSError):
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)


def untaken_bytes(transport: asyncio.Transport) -> int:
    """Tell how much the kernel holds that the caller's side has not taken; 0 where unknown."""
    sock = transport.get_extra_info("socket")
    try:
        told = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except (OSError, ValueError):
        return 0
    return int.from_bytes(told, sys.byteorder)
