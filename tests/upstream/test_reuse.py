"""When a connection is used again, and when it must not be."""

import asyncio
import os
import socket

import pytest

from dragoman.upstream.pool import HttpPool
from tests.scripted_upstream import (
    Peer,
    Script,
    Step,
    close,
    cut,
    forever,
    read_nothing,
    read_request,
    reply,
    reset,
    send,
    serving,
    until,
)
from tests.upstream.calling import (
    MakePool,
    answer,
    ask,
    eventually,
    idle,
    in_use,
    request_to,
)
from tests.upstream.responses import SECRET

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
ECHO: Script = (forever(read_request(), reply(lambda request: answer(request.body))),)


async def test_an_idle_connection_that_the_upstream_closes_is_gone_at_once(pool: HttpPool) -> None:
    go = asyncio.Event()
    async with serving([read_request(), send(answer(b"1")), until(go), close()], [*ECHO]) as up:
        await ask(pool, request_to(up))
        assert idle(pool) == 1
        go.set()
        await eventually(lambda: idle(pool) == 0)
        assert await ask(pool, request_to(up, b"2")) == b"2"
        assert len(up.peers) == 2


@pytest.mark.parametrize("end", [send(answer(SECRET)), send(b"\r\n"), reset(), cut()])
async def test_anything_that_comes_while_idle_closes_the_connection(
    pool: HttpPool, end: Step
) -> None:
    go = asyncio.Event()
    async with serving([read_request(), send(answer(b"1")), until(go), end], [*ECHO]) as upstream:
        await ask(pool, request_to(upstream))
        go.set()
        await upstream.peers[0].left()
        await eventually(lambda: idle(pool) == 0)
        assert await ask(pool, request_to(upstream, b"2")) == b"2"


@pytest.mark.parametrize("last_words", [b"", b"\r\n", answer(SECRET)])
async def test_what_the_loop_has_not_told_yet_is_seen_too(
    pool: HttpPool, last_words: bytes
) -> None:
    async with serving([read_request(), send(answer(b"1"))], [*ECHO]) as upstream:
        await ask(pool, request_to(upstream))
        assert idle(pool) == 1
        with socket.socket(fileno=os.dup(descriptor(upstream.peers[0]))) as there:
            there.send(last_words)
            there.shutdown(socket.SHUT_WR)
        assert await ask(pool, request_to(upstream, b"2")) == b"2"
        assert len(upstream.peers) == 2
        assert not upstream.peers[0].received


def descriptor(peer: Peer) -> int:
    return int(peer.transport.get_extra_info("socket").fileno())


async def test_an_idle_connection_expires(make_pool: MakePool) -> None:
    pool = make_pool(idle_expiry_s=0.05)
    async with serving(*ECHO) as upstream:
        await ask(pool, request_to(upstream))
        await upstream.peers[0].left()
        assert idle(pool) == 0


async def test_the_connection_used_last_is_used_first(pool: HttpPool) -> None:
    async with serving(*ECHO) as upstream:
        await asyncio.gather(*(ask(pool, request_to(upstream)) for _ in range(3)))
        assert idle(pool) == 3
        for _ in range(5):
            await ask(pool, request_to(upstream))
        assert sorted(len(peer.requests) for peer in upstream.peers) == [1, 1, 6]


async def test_leaving_early_closes_the_connection(pool: HttpPool) -> None:
    async with serving(read_request(), send(HEAD + b"x")) as upstream:
        async with pool.exchange(request_to(upstream)) as exchange:
            assert await exchange.read() == b"x"
        assert (in_use(pool), idle(pool)) == (0, 0)
        await upstream.peers[0].left()


async def test_an_exception_in_the_block_closes_the_connection(pool: HttpPool) -> None:
    async with serving(read_request(), send(HEAD + b"x")) as upstream:
        with pytest.raises(ZeroDivisionError):
            async with pool.exchange(request_to(upstream)):
                raise ZeroDivisionError
        assert (in_use(pool), idle(pool)) == (0, 0)
        await upstream.peers[0].left()


@pytest.mark.parametrize(
    "script",
    [
        (read_request(),),
        (read_request(), send(b"HTTP/1.1 200 OK\r\n")),
        (read_request(), send(HEAD)),
        (read_request(), send(HEAD + b"half")),
        (read_nothing(),),
    ],
)
async def test_cancelling_closes_the_connection_in_every_phase(
    pool: HttpPool, script: Script
) -> None:
    async with serving(*script) as upstream:
        call = asyncio.create_task(ask(pool, request_to(upstream, bytes(8_000_000))))
        await eventually(lambda: upstream.peers)
        await asyncio.sleep(0.05)
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        assert in_use(pool) == idle(pool) == 0
        upstream.peers[0].transport.resume_reading()
        await upstream.peers[0].left()


async def test_cancelling_while_connecting_gives_the_place_back(make_pool: MakePool) -> None:
    asked = asyncio.Event()

    async def stuck(_: str) -> list[str]:
        asked.set()
        await asyncio.sleep(20)
        return []

    pool = make_pool(resolve=stuck)
    async with serving() as upstream:
        call = asyncio.create_task(ask(pool, request_to(upstream)))
        await asked.wait()
        assert in_use(pool) == 1
        call.cancel()
        await asyncio.wait([call])
        assert in_use(pool) == 0


async def test_a_connection_is_free_when_its_answer_is_there_read_or_not(pool: HttpPool) -> None:
    async with serving(*ECHO) as upstream:
        async with pool.exchange(request_to(upstream, b"mine")) as mine:
            assert (in_use(pool), idle(pool)) == (0, 1)
            assert await ask(pool, request_to(upstream, b"yours")) == b"yours"
            assert await mine.read() == b"mine"
        assert len(upstream.peers) == 1
        assert idle(pool) == 1


async def test_a_connection_with_a_half_sent_request_is_not_used_again(pool: HttpPool) -> None:
    async with serving([read_nothing(), send(answer(b"early"))], [*ECHO]) as upstream:
        assert await ask(pool, request_to(upstream, bytes(8_000_000))) == b"early"
        assert (in_use(pool), idle(pool)) == (0, 0)
        assert await ask(pool, request_to(upstream, b"2")) == b"2"
