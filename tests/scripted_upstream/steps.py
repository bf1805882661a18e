"""What a script can be made of."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable

from tests.scripted_upstream.server import Peer, Request, Step

_NO_LINGER = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
"""With this, closing a socket sends a reset."""


def read_request() -> Step:
    """Read one whole request (its body by Content-Length) and remember it."""

    async def step(peer: Peer) -> None:
        head = await peer.take_head()
        body = await peer.take(int(head.header("content-length") or 0))
        peer.remember(head._replace(body=body))

    return step


def read_head() -> Step:
    """Read a request's head only and remember it, as a server that refuses it early does."""

    async def step(peer: Peer) -> None:
        peer.remember(await peer.take_head())

    return step


def read_body() -> Step:
    """Read the body of a request whose head was read before, and forget it."""

    async def step(peer: Peer) -> None:
        await peer.take(int(peer.requests[-1].header("content-length") or 0))

    return step


def read_nothing() -> Step:
    """Take nothing from the network from now on."""
    return _at_once(lambda peer: peer.transport.pause_reading())


def read_again() -> Step:
    """Take from the network again, after `read_nothing`."""
    return _at_once(lambda peer: peer.transport.resume_reading())


def send(data: bytes) -> Step:
    """Send exactly these bytes."""
    return _at_once(lambda peer: peer.write(data))


def drip(data: bytes, every_s: float) -> Step:
    """Send byte by byte, with a pause before each [s]."""

    async def step(peer: Peer) -> None:
        for byte in data:
            await asyncio.sleep(every_s)
            peer.write(bytes((byte,)))

    return step


def flood(piece: bytes) -> Step:
    """Send a piece again and again, as fast as the client takes it, until it hangs up."""

    async def step(peer: Peer) -> None:
        while True:
            await peer.room()
            peer.write(piece)
            await asyncio.sleep(0)

    return step


def reply(answer: Callable[[Request], bytes]) -> Step:
    """Send what a function makes of the last request."""
    return _at_once(lambda peer: peer.write(answer(peer.requests[-1])))


def close() -> Step:
    """Send what is left to send, and close in good order."""
    return _at_once(lambda peer: peer.transport.close())


def close_half() -> Step:
    """Close our direction only: the client sees the end, and may go on sending."""
    return _at_once(lambda peer: peer.close_half())


def cut() -> Step:
    """Close without a farewell: with TLS, without its "close notify"."""
    return _at_once(lambda peer: peer.transport.abort())


def reset() -> Step:
    """Break the connection: the client sees a reset, perhaps before what was sent last."""

    def act(peer: Peer) -> None:
        peer.transport.get_extra_info("socket").setsockopt(*_NO_LINGER)
        peer.transport.abort()

    return _at_once(act)


def wait(seconds: float) -> Step:
    """Do nothing for a while [s]."""

    async def step(_: Peer) -> None:
        await asyncio.sleep(seconds)

    return step


def until(event: asyncio.Event | threading.Event) -> Step:
    """Do nothing until the test sets an event, on whatever thread it does so."""

    async def step(_: Peer) -> None:
        while not event.is_set():  # noqa: ASYNC110  # it may be another thread's
            await asyncio.sleep(0.005)

    return step


def until_hung_up() -> Step:
    """Do nothing until the client hangs up."""

    async def step(peer: Peer) -> None:
        await peer.gone.wait()

    return step


def forever(*steps: Step) -> Step:
    """Carry out steps again and again, until the client hangs up."""

    async def step(peer: Peer) -> None:
        while True:
            for inner in steps:
                await inner(peer)

    return step


def _at_once(act: Callable[[Peer], None]) -> Step:
    async def step(peer: Peer) -> None:
        act(peer)

    return step
