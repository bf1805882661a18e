"""What a fault is, and how one is set up."""

import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import NamedTuple

from msgspec import structs

from dragoman.domain.errors import DragomanError, UpstreamBroken
from dragoman.domain.ports import Deadlines
from tests.scripted_upstream import ScriptedUpstream, Step, close, read_request, send, serving
from tests.upstream.calling import PATIENT

HASTY_S = 0.3
"""A deadline that is waited for [s]."""

Serving = Callable[[ssl.SSLContext | None], AbstractAsyncContextManager[ScriptedUpstream]]


class Fault(NamedTuple):
    """One way in which an upstream fails, and what becomes of a call to it."""

    serving: Serving
    error: type[DragomanError] = UpstreamBroken
    status: int = 502
    """What the caller is answered with, unless an answer has begun."""
    beginning: bytes | None = None
    """What reaches the caller before it shows, if anything may: how each body begins."""
    says_so: bool | None = False
    """Whether a caller who takes events gets one that tells of the error; None where that hangs on
    how the network cuts the answer."""
    deadlines: Deadlines = PATIENT
    is_http: bool = False
    """Whether it is an answer as far as HTTP goes: whoever expects an LLM's refuses it."""
    encrypted: bool = False


def fault(*steps: Step, **more: object) -> Fault:
    """Make the fault of an upstream that carries out some steps once it has read the request."""
    return scripted(read_request(), *steps, **more)


def scripted(*steps: Step, **more: object) -> Fault:
    """Make the fault of an upstream that carries out some steps with each connection."""
    return Fault(lambda tls: serving(*steps, tls=tls), **more)  # type: ignore[arg-type]


def hasty(**deadlines: float) -> Deadlines:
    """Make deadlines of which one is short."""
    return structs.replace(PATIENT, **deadlines)


@asynccontextmanager
async def nobody(_: ssl.SSLContext | None) -> AsyncIterator[ScriptedUpstream]:
    """Give an upstream that has gone: nobody listens where it was."""
    async with serving() as upstream:
        pass
    yield upstream


@asynccontextmanager
async def no_tls(_: ssl.SSLContext | None) -> AsyncIterator[ScriptedUpstream]:
    """Give an upstream that speaks plain HTTP where it should speak TLS."""
    async with serving(send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), close()) as upstream:
        upstream._scheme = "https"
        yield upstream


@asynccontextmanager
async def full_backlog(_: ssl.SSLContext | None) -> AsyncIterator[ScriptedUpstream]:
    """Give an upstream that accepts nobody, and whose queue for those who wait is full."""
    upstream = ScriptedUpstream([()], encrypted=False)
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        upstream.port = listener.getsockname()[1]
        for _number in range(4):  # more than the queue holds
            waiter = sockets.enter_context(socket.socket())
            waiter.setblocking(False)
            assert waiter.connect_ex(listener.getsockname()) == errno.EINPROGRESS
        yield upstream
