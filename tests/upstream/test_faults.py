"""What an upstream can do wrong, one by one: each is its fault, and none looks like an answer."""

import asyncio
from collections.abc import Callable

import pytest

from dragoman.domain.errors import UpstreamBroken, UpstreamUnreachable
from dragoman.upstream.pool import HttpPool
from tests.scripted_upstream import (
    Step,
    close,
    cut,
    read_request,
    reset,
    send,
    serving,
    until,
)
from tests.upstream.calling import answer, ask, chunked, in_use, request_to
from tests.upstream.responses import BROKEN, OK, SECRET

OUR_SECRET = b"Bearer sk-planted-in-the-request"


@pytest.mark.parametrize("wire", BROKEN.values(), ids=BROKEN)
async def test_a_broken_answer_is_the_upstreams_fault_and_is_not_quoted(
    pool: HttpPool, wire: bytes
) -> None:
    async with serving(read_request(), send(wire), close()) as upstream:
        request = request_to(upstream, b"body", headers=[(b"authorization", OUR_SECRET)])
        with pytest.raises(UpstreamBroken) as broken:
            await ask(pool, request)
        assert upstream.url in broken.value.message
        for secret in (SECRET, OUR_SECRET, b"body"):
            assert secret.decode() not in repr(broken.value) + str(broken.value.__cause__)
        assert in_use(pool) == 0
        assert len(upstream.requests) == 1


HALVES = {
    "a length": OK + b"content-length: 10\r\n\r\nhalf",
    "chunks": chunked(b"half").removesuffix(b"0\r\n\r\n"),
    "nothing": OK + b"\r\nhalf",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
@pytest.mark.parametrize("end", [close, cut, reset])
async def test_a_body_that_is_cut_short_never_ends_well(
    pool: HttpPool, half: bytes, end: Callable[[], Step]
) -> None:
    seen = asyncio.Event()
    script = (read_request(), send(half), until(seen), end())
    async with serving(*script) as upstream, pool.exchange(request_to(upstream)) as exchange:
        assert await exchange.read() == b"half"
        seen.set()
        if half == HALVES["nothing"] and end is not reset:
            assert await exchange.read() == b""
            return
        for _ in range(2):
            with pytest.raises(UpstreamBroken):
                await exchange.read()


async def test_what_came_before_the_cut_can_still_be_read(pool: HttpPool) -> None:
    script = (read_request(), send(HALVES["a length"]), close())
    async with serving(*script) as upstream, pool.exchange(request_to(upstream)) as exchange:
        await upstream.peers[0].left()
        assert await exchange.read() == b"half"
        with pytest.raises(UpstreamBroken):
            await exchange.read()


async def test_a_reset_instead_of_an_answer(pool: HttpPool) -> None:
    async with serving(read_request(), reset()) as upstream:
        with pytest.raises(UpstreamBroken):
            await ask(pool, request_to(upstream))


async def test_a_request_of_which_anything_was_sent_is_not_sent_again(pool: HttpPool) -> None:
    keep, hang_up = [read_request(), send(answer(b"1"))], [read_request(), close()]
    async with serving([*keep, *hang_up], keep) as upstream:
        assert await ask(pool, request_to(upstream)) == b"1"
        with pytest.raises(UpstreamBroken):
            await ask(pool, request_to(upstream))
        assert [len(peer.requests) for peer in upstream.peers] == [2]


async def test_an_upstream_that_speaks_before_it_is_asked_is_not_one(pool: HttpPool) -> None:
    async with serving(send(answer(SECRET))) as upstream:
        # Whether it was too early is a race that only the network sees; nothing hangs.
        try:
            await ask(pool, request_to(upstream))
        except UpstreamBroken:
            assert in_use(pool) == 0


async def test_nobody_listens(pool: HttpPool) -> None:
    async with serving() as upstream:
        request = request_to(upstream)
    with pytest.raises(UpstreamUnreachable, match=r"127\.0\.0\.1:\d+ cannot be reached: Connect"):
        await ask(pool, request)
    assert in_use(pool) == 0
