"""How these tests call: requests with short texts, and deadlines that a test never waits for."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import trustme

from dragoman.domain.header_block import HeaderBlock
from dragoman.domain.ports import Deadlines, Headers, UpstreamRequest
from dragoman.upstream.egress import EgressPolicy, parse_networks
from dragoman.upstream.exchange import Exchange
from dragoman.upstream.pool import HttpPool
from dragoman.upstream.resolve import Resolve
from tests.scripted_upstream import Script, ScriptedUpstream, forever, read_request, reply

PATIENT = Deadlines(connect_s=100, first_byte_s=100, idle_s=100, total_s=100)
"""Longer than any test takes."""

MakePool = Callable[..., HttpPool]
"""Makes a pool from the options of `HttpPool`; the policy allows loopback unless it is given."""

LOOPBACK = EgressPolicy(parse_networks("127.0.0.1"))


def request_to(
    upstream: ScriptedUpstream,
    body: bytes = b"{}",
    *,
    headers: Headers | None = None,
    deadlines: Deadlines = PATIENT,
    method: bytes = b"POST",
    carries_credential: bool = False,
) -> UpstreamRequest:
    return UpstreamRequest(
        origin=upstream.origin,
        target=b"/v1/chat/completions",
        headers=[HeaderBlock(headers or [])],
        body=body,
        deadlines=deadlines,
        method=method,
        carries_credential=carries_credential,
    )


def to_host(
    upstream: ScriptedUpstream, host: str, *, carries_credential: bool = False
) -> UpstreamRequest:
    request = request_to(upstream, carries_credential=carries_credential)
    return msgspec.structs.replace(request, origin=request.origin._replace(host=host))


def answering(*answers: list[str]) -> Resolve:
    """Resolve any name to one answer after the other."""
    left = list(answers)

    async def resolve(_: str) -> list[str]:
        return left.pop(0)

    return resolve


def answer(body: bytes, *, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    """Write a response with a length."""
    return b"HTTP/1.1 %s\r\n%scontent-length: %d\r\n\r\n%s" % (status, headers, len(body), body)


ECHO: Script = (forever(read_request(), reply(lambda request: answer(request.body))),)
"""Answers each request with its own body."""


def chunked(*pieces: bytes) -> bytes:
    """Write a response in chunks."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks


async def read_all(exchange: Exchange) -> bytes:
    body = b""
    while piece := await exchange.read():
        body += piece
    return body


async def ask(pool: HttpPool, request: UpstreamRequest) -> bytes:
    """Make a whole exchange and give the body."""
    async with pool.exchange(request) as exchange:
        return await read_all(exchange)


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds that other tasks bring about."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  # what it looks at has no event
            await asyncio.sleep(0.001)


def in_use(pool: HttpPool) -> int:
    return sum(lane.in_use for lane in pool.load)


def idle(pool: HttpPool) -> int:
    return sum(lane.idle for lane in pool.load)


def waiting(pool: HttpPool) -> int:
    return sum(lane.waiting for lane in pool.load)


@contextmanager
def dead_address(address: str, port: int) -> Iterator[None]:
    """Make an address swallow what is sent to it: its queue of connections is full."""
    with socket.socket() as listener:
        listener.bind((address, port))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex((address, port))
        yield
        for filler in fillers:
            filler.close()


def certified(ca: trustme.CA, *names: str) -> ssl.SSLContext:
    """Make a server's side of TLS, with a certificate of these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names).configure_cert(context)
    return context
