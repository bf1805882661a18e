"""Back-pressure, both ways: nobody's slowness fills our memory, and nothing waits for ever."""

import asyncio
import ssl
from pathlib import Path
from typing import cast

import pytest
import trustme

from dragoman.upstream.connection import HIGH_WATER, Connection
from dragoman.upstream.pool import HttpPool
from tests.scripted_upstream import (
    Peer,
    Step,
    close,
    forever,
    read_again,
    read_head,
    read_nothing,
    read_request,
    reply,
    reset,
    send,
    serving,
    until,
    wait,
)
from tests.upstream.calling import (
    MakePool,
    answer,
    ask,
    chunked,
    eventually,
    idle,
    in_use,
    read_all,
    request_to,
)

BIG = bytes(range(256)) * 128 * 1024  # 32 MiB
ONE_READ = 256 * 1024
"""What the loop reads at once [bytes]."""


def connections(pool: HttpPool) -> list[Connection]:
    return [connection for lane in pool._lanes.values() for connection in lane._connections]


@pytest.mark.parametrize("response", [answer(BIG), chunked(BIG[:99_999], BIG[99_999:])])
async def test_what_nobody_reads_stays_with_the_upstream(pool: HttpPool, response: bytes) -> None:
    async with serving(read_request(), send(response)) as upstream:
        async with pool.exchange(request_to(upstream)) as exchange:
            await eventually(lambda: exchange.answer.held > HIGH_WATER)
            await asyncio.sleep(0.1)
            assert exchange.answer.held <= HIGH_WATER + ONE_READ
            assert upstream.peers[0].transport.get_write_buffer_size() > len(BIG) // 2
            assert await read_all(exchange) == BIG
        assert (in_use(pool), idle(pool)) == (0, 1)


async def test_a_connection_that_was_paused_is_awake_when_it_is_idle(pool: HttpPool) -> None:
    # A transport may deliver what it had read before it was paused.
    go = asyncio.Event()
    head = answer(bytes(2 * HIGH_WATER + 1)).rstrip(b"\0")
    async with serving(read_request(), send(head), until(go), close()) as upstream:
        async with pool.exchange(request_to(upstream)):
            (connection,) = connections(pool)
            connection.data_received(bytes(2 * HIGH_WATER))
            connection.data_received(bytes(1))
        assert idle(pool) == 1
        go.set()
        await eventually(lambda: idle(pool) == 0)


async def test_a_large_request_arrives_whole(pool: HttpPool) -> None:
    script = (read_nothing(), wait(0.05), read_again(), read_request(), send(answer(b"ok")))
    async with serving(*script) as upstream:
        assert await ask(pool, request_to(upstream, BIG)) == b"ok"
        assert upstream.requests[0].body == BIG
        assert idle(pool) == 1


async def test_a_large_request_is_handed_over_only_as_fast_as_it_is_taken(pool: HttpPool) -> None:
    go = asyncio.Event()
    script = (read_nothing(), until(go), read_again(), read_request(), send(answer(b"ok")))
    async with serving(*script) as upstream:
        call = asyncio.create_task(ask(pool, request_to(upstream, BIG)))
        await eventually(lambda: upstream.peers)
        await asyncio.sleep(0.1)
        (connection,) = connections(pool)
        assert connection._transport.get_write_buffer_size() < 2 * ONE_READ
        go.set()
        assert await call == b"ok"


@pytest.mark.parametrize("end", [close(), reset(), wait(0)], ids=["close", "reset", "stay"])
@pytest.mark.parametrize("reads", [read_nothing(), read_head()], ids=["nothing", "head"])
async def test_an_early_answer_is_delivered(pool: HttpPool, reads: Step, end: Step) -> None:
    too_large = answer(b"too large", status=b"413 Content Too Large")
    for _ in range(20):
        seen = asyncio.Event()
        async with serving(reads, send(too_large), until(seen), end) as upstream:
            async with pool.exchange(request_to(upstream, BIG)) as exchange:
                assert exchange.status == 413
                seen.set()
                assert await read_all(exchange) == b"too large"
            assert (in_use(pool), idle(pool)) == (0, 0)


async def test_an_early_answer_is_delivered_though_the_upstream_hangs_up_behind_it(
    pool: HttpPool,
) -> None:
    too_large = answer(b"too large", status=b"413 Content Too Large")
    for _ in range(50):
        async with serving(read_head(), send(too_large), close()) as upstream:
            assert await ask(pool, request_to(upstream, BIG)) == b"too large"


async def test_an_upstream_may_answer_while_it_still_reads(pool: HttpPool) -> None:
    async def read_body(peer: Peer) -> None:
        await peer.take(len(BIG))

    head, mark, body = answer(b"ok").partition(b"\r\n\r\n")
    async with serving(read_head(), send(head + mark), read_body, send(body)) as upstream:
        assert await ask(pool, request_to(upstream, BIG)) == b"ok"
        assert idle(pool) == 1


class Buffering:
    """A transport that has so much left to write, whatever it was given."""

    def __init__(self, transport: asyncio.Transport, size: int) -> None:
        self._transport = transport
        self._size = size

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def get_write_buffer_size(self) -> int:
        return self._size


@pytest.mark.parametrize(("body", "left"), [(b"", 1), (BIG, 0)], ids=["transport", "connection"])
async def test_a_connection_that_has_not_written_everything_is_not_used_again(
    pool: HttpPool, body: bytes, left: int
) -> None:
    early = (read_head(), read_nothing(), send(answer(b"early")))
    async with serving(read_request(), send(answer(b"")), *early) as upstream:
        await ask(pool, request_to(upstream))
        (connection,) = connections(pool)
        connection._transport = cast("asyncio.Transport", Buffering(connection._transport, left))
        assert await ask(pool, request_to(upstream, body)) == b"early"
        assert (in_use(pool), idle(pool)) == (0, 0)
        assert len(upstream.peers) == 1


async def test_the_same_over_tls(make_pool: MakePool) -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with ca.cert_pem.tempfile() as bundle:
        pool = make_pool(ca_bundle=Path(bundle))
    echo = forever(read_request(), reply(lambda request: answer(request.body)))
    async with serving(echo, tls=context) as upstream:
        async with pool.exchange(request_to(upstream, BIG)) as exchange:
            await eventually(lambda: exchange.answer.held > HIGH_WATER)
            await asyncio.sleep(0.1)
            assert exchange.answer.held <= HIGH_WATER + ONE_READ
            (connection,) = connections(pool)
            encrypted = connection._transport.get_read_buffer_size()  # type: ignore[attr-defined]
            assert 0 < encrypted <= HIGH_WATER + ONE_READ
            assert await read_all(exchange) == BIG
        assert idle(pool) == 1
