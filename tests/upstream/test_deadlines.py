"""Deadlines: each phase has its own, and says which one passed.

The deadlines here are short, and what must not be counted lasts longer than they do.
"""

import asyncio

import msgspec
import pytest

from dragoman.domain.errors import Unavailable, UpstreamTimeout
from dragoman.domain.url import Origin
from dragoman.upstream.pool import HttpPool
from tests.scripted_upstream import (
    Peer,
    Step,
    forever,
    read_again,
    read_nothing,
    read_request,
    reply,
    send,
    serving,
    until,
    wait,
)
from tests.upstream.calling import (
    PATIENT,
    MakePool,
    answer,
    ask,
    in_use,
    read_all,
    request_to,
)

HASTY_S = 0.2
BIG = bytes(8 * 1024 * 1024)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"

HASTY_CONNECT = msgspec.structs.replace(PATIENT, connect_s=HASTY_S)
HASTY_FIRST_BYTE = msgspec.structs.replace(PATIENT, first_byte_s=HASTY_S)
HASTY_IDLE = msgspec.structs.replace(PATIENT, idle_s=HASTY_S)
HASTY_TOTAL = msgspec.structs.replace(PATIENT, total_s=HASTY_S)


def sip(size: int) -> Step:
    """Take at least so many bytes, and then nothing more."""

    async def step(peer: Peer) -> None:
        wanted = len(peer.received) + size
        peer.transport.resume_reading()
        while len(peer.received) < wanted:
            await peer.news()
        peer.transport.pause_reading()

    return step


async def test_connect_includes_dns(make_pool: MakePool) -> None:
    async def stuck(_: str) -> list[str]:
        await asyncio.sleep(20)
        return []

    pool = make_pool(resolve=stuck)
    async with serving() as upstream:
        with pytest.raises(UpstreamTimeout, match=r"within 0\.2 s \(connect\)"):
            await ask(pool, request_to(upstream, deadlines=HASTY_CONNECT))
    assert in_use(pool) == 0


async def test_connect_includes_tls(pool: HttpPool) -> None:
    async with serving() as upstream:
        request = request_to(upstream, deadlines=HASTY_CONNECT)
        encrypted = Origin("https", *upstream.origin[1:])
        with pytest.raises(UpstreamTimeout, match=r"within 0\.2 s \(connect\)"):
            await ask(pool, msgspec.structs.replace(request, origin=encrypted))
        assert in_use(pool) == 0
        await upstream.peers[0].left()


async def test_connect_includes_the_wait_for_a_connection(make_pool: MakePool) -> None:
    pool = make_pool(connections_per_origin=1)
    async with serving(read_request(), send(HEAD)) as upstream:
        async with pool.exchange(request_to(upstream)):
            with pytest.raises(Unavailable, match=r"All 1 connections .* 0\.2 s \(connect\)"):
                await ask(pool, request_to(upstream, deadlines=HASTY_CONNECT))
            assert in_use(pool) == 1
        assert in_use(pool) == 0


async def test_the_first_byte(pool: HttpPool) -> None:
    async with serving(read_request()) as upstream:
        with pytest.raises(UpstreamTimeout, match=r"127\.0\.0\.1:\d+ .* 0\.2 s \(first byte\)"):
            await ask(pool, request_to(upstream, deadlines=HASTY_FIRST_BYTE))
        assert in_use(pool) == 0
        await upstream.peers[0].left()


async def test_a_head_that_trickles_is_no_first_byte(pool: HttpPool) -> None:
    script = (read_request(), send(b"HTTP/1.1 200 OK\r\n"), forever(send(b"x: y\r\n"), wait(0.01)))
    async with serving(*script) as upstream:
        with pytest.raises(UpstreamTimeout, match="first byte"):
            await ask(pool, request_to(upstream, deadlines=HASTY_FIRST_BYTE))


async def test_the_first_byte_is_awaited_from_when_the_request_is_written(pool: HttpPool) -> None:
    sips = [step for _ in range(4) for step in (wait(HASTY_S / 2), sip(1024 * 1024))]
    script = (read_nothing(), *sips, read_again(), read_request(), send(answer(b"ok")))
    async with serving(*script) as upstream:
        assert await ask(pool, request_to(upstream, 4 * BIG, deadlines=HASTY_FIRST_BYTE)) == b"ok"


async def test_an_upstream_that_stops_reading(pool: HttpPool) -> None:
    async with serving(read_nothing()) as upstream:
        with pytest.raises(UpstreamTimeout, match="first byte"):
            await ask(pool, request_to(upstream, BIG, deadlines=HASTY_FIRST_BYTE))
        assert in_use(pool) == 0


async def test_idle(pool: HttpPool) -> None:
    script = (read_request(), send(HEAD + b"x"))
    async with serving(*script) as upstream:
        async with pool.exchange(request_to(upstream, deadlines=HASTY_IDLE)) as exchange:
            assert await exchange.read() == b"x"
            with pytest.raises(UpstreamTimeout, match=r"0\.2 s \(idle\)"):
                await exchange.read()
        assert in_use(pool) == 0
        await upstream.peers[0].left()


async def test_every_piece_begins_idle_anew(pool: HttpPool) -> None:
    pieces = [step for _ in range(6) for step in (send(b"x" * 10), wait(HASTY_S / 2))]
    script = (read_request(), send(HEAD), *pieces, send(b"x" * 40))
    async with serving(*script) as upstream:
        assert len(await ask(pool, request_to(upstream, deadlines=HASTY_IDLE))) == 100


async def test_a_slow_reader_is_not_the_upstreams_fault(pool: HttpPool) -> None:
    go = asyncio.Event()
    script = (read_request(), send(HEAD + b"x"), until(go), send(b"y" * 99))
    async with (
        serving(*script) as upstream,
        pool.exchange(request_to(upstream, deadlines=HASTY_IDLE)) as exchange,
    ):
        assert await exchange.read() == b"x"
        await asyncio.sleep(4 * HASTY_S)
        go.set()
        assert await read_all(exchange) == b"y" * 99


async def test_total_while_pieces_keep_coming(pool: HttpPool) -> None:
    script = (read_request(), send(HEAD), forever(send(b"x"), wait(0.03)))
    async with serving(*script) as upstream:
        with pytest.raises(UpstreamTimeout, match=r"0\.2 s \(total\)"):
            await ask(pool, request_to(upstream, deadlines=HASTY_TOTAL))


async def test_total_while_nobody_reads(pool: HttpPool) -> None:
    async with (
        serving(read_request(), send(HEAD + b"x")) as upstream,
        pool.exchange(request_to(upstream, deadlines=HASTY_TOTAL)) as exchange,
    ):
        await upstream.peers[0].left()
        assert await exchange.read() == b"x"
        with pytest.raises(UpstreamTimeout, match=r"0\.2 s \(total\)"):
            await exchange.read()


async def test_total_while_the_upstream_does_not_take_the_request(pool: HttpPool) -> None:
    async with serving(read_nothing()) as upstream:
        with pytest.raises(UpstreamTimeout, match=r"0\.2 s \(total\)"):
            await ask(pool, request_to(upstream, BIG, deadlines=HASTY_TOTAL))


async def test_an_answer_that_is_there_has_no_deadline(pool: HttpPool) -> None:
    async with (
        serving(read_request(), send(answer(b"here"))) as upstream,
        pool.exchange(request_to(upstream, deadlines=HASTY_TOTAL)) as exchange,
    ):
        await asyncio.sleep(2 * HASTY_S)
        assert await read_all(exchange) == b"here"


async def test_a_reused_connection_has_the_deadlines_of_its_own_request(pool: HttpPool) -> None:
    echo = forever(read_request(), reply(lambda request: answer(b"ok") if request.body else b""))
    async with serving(echo) as upstream:
        for deadlines in (PATIENT, HASTY_FIRST_BYTE, HASTY_TOTAL, HASTY_IDLE):
            assert await ask(pool, request_to(upstream, deadlines=deadlines)) == b"ok"
        with pytest.raises(UpstreamTimeout, match="first byte"):
            await ask(pool, request_to(upstream, b"", deadlines=HASTY_FIRST_BYTE))
        assert len(upstream.peers) == 1
