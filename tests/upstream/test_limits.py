"""How many connections there are, who gets the next one, and who is not held up."""

import asyncio

import msgspec
import pytest

from dragoman.domain.errors import EgressRefused, Unavailable, UpstreamBroken
from dragoman.upstream.pool import HttpPool
from tests.scripted_upstream import (
    Script,
    close,
    forever,
    read_request,
    reply,
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
    request_to,
    waiting,
)

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
ECHO: Script = (forever(read_request(), reply(lambda request: answer(request.body))),)


async def test_there_are_never_more_connections_than_allowed(make_pool: MakePool) -> None:
    pool = make_pool(connections_per_origin=3)
    slow = forever(read_request(), wait(0.002), reply(lambda request: answer(request.body)))
    async with serving(slow) as upstream:
        bodies = [b"%d" % number for number in range(60)]
        answers = await asyncio.gather(*(ask(pool, request_to(upstream, b)) for b in bodies))
        assert answers == bodies
        assert len(upstream.peers) == 3
        assert in_use(pool) == 0


async def test_the_line_moves_in_order(make_pool: MakePool) -> None:
    pool = make_pool(connections_per_origin=1)
    async with serving(*ECHO) as upstream:
        calls = []
        for number in range(10):
            calls.append(asyncio.create_task(ask(pool, request_to(upstream, b"%d" % number))))
            await asyncio.sleep(0)
        await asyncio.gather(*calls)
        assert [request.body for request in upstream.requests] == [b"%d" % n for n in range(10)]


async def test_a_closed_connection_lets_the_next_in_line_open_one(make_pool: MakePool) -> None:
    pool = make_pool(connections_per_origin=1)
    go = asyncio.Event()
    async with serving([read_request(), until(go), close()], [*ECHO]) as upstream:
        first = asyncio.create_task(ask(pool, request_to(upstream, b"1")))
        await eventually(lambda: upstream.requests)
        second = asyncio.create_task(ask(pool, request_to(upstream, b"2")))
        await eventually(lambda: waiting(pool))
        go.set()
        with pytest.raises(UpstreamBroken):
            await first
        assert await second == b"2"


async def test_whoever_leaves_the_line_is_passed_over(make_pool: MakePool) -> None:
    pool = make_pool(connections_per_origin=1)
    go = asyncio.Event()
    async with serving(read_request(), until(go), send(answer(b"1")), *ECHO) as upstream:
        first, leaver, stayer = (
            asyncio.create_task(ask(pool, request_to(upstream, b"%d" % number)))
            for number in (1, 2, 3)
        )
        await eventually(lambda: waiting(pool) == 2)
        leaver.cancel()
        await asyncio.wait([leaver])
        assert waiting(pool) == 1
        go.set()
        assert await first == b"1"
        assert await stayer == b"3"
        assert [request.body for request in upstream.requests] == [b"1", b"3"]


@pytest.mark.parametrize("end", [b"x" * 100, b""], ids=["a connection", "a place"])
async def test_whoever_leaves_in_the_moment_of_being_handed_something_passes_it_on(
    end: bytes, make_pool: MakePool
) -> None:
    pool = make_pool(connections_per_origin=1)
    go = asyncio.Event()
    first_script = [read_request(), send(HEAD), until(go), send(end), *ECHO]
    async with serving(first_script, [*ECHO]) as upstream:
        async with pool.exchange(request_to(upstream)) as exchange:
            leaver, stayer = (
                asyncio.create_task(ask(pool, request_to(upstream, body))) for body in (b"2", b"3")
            )
            await eventually(lambda: waiting(pool) == 2)
            go.set()
            if end:
                await exchange.read()
        # The leaver has been handed what the block let go of, and has not run since.
        leaver.cancel()
        assert await stayer == b"3"
        await asyncio.wait([leaver])
        assert leaver.cancelled()
        assert in_use(pool) == 0
        assert len(upstream.peers) == (1 if end else 2)


async def test_a_connection_that_breaks_while_it_is_handed_over_is_replaced(
    make_pool: MakePool,
) -> None:
    pool = make_pool(connections_per_origin=1)
    go = asyncio.Event()
    last_words = [read_request(), send(HEAD), until(go), send(b"x" * 100), close()]
    async with serving(last_words, [*ECHO]) as upstream:
        async with pool.exchange(request_to(upstream)) as exchange:
            calls = [
                asyncio.create_task(ask(pool, request_to(upstream, b"%d" % number)))
                for number in range(3)
            ]
            await eventually(lambda: waiting(pool) == 3)
            go.set()
            assert len(await exchange.read()) == 100
        answers = await asyncio.gather(*calls, return_exceptions=True)
        # One of them may have sent its request before the end was seen; the others are served.
        assert sum(isinstance(answer, UpstreamBroken) for answer in answers) <= 1
        assert answers[1:] == [b"1", b"2"]
        assert in_use(pool) == 0


async def test_a_stuck_origin_does_not_hold_up_another(make_pool: MakePool) -> None:
    async def resolve(host: str) -> list[str]:
        if host == "dead.test":
            await asyncio.sleep(20)
        return ["127.0.0.1"]

    pool = make_pool(connections_per_origin=2, resolve=resolve)
    async with serving(read_request()) as silent, serving(*ECHO) as lively:
        dead = request_to(silent)
        dead = msgspec.structs.replace(dead, origin=dead.origin._replace(host="dead.test"))
        stuck = [
            asyncio.create_task(ask(pool, request))
            for request in [request_to(silent)] * 5 + [dead] * 5
        ]
        await eventually(lambda: waiting(pool) == 6)
        for number in range(10):
            assert await ask(pool, request_to(lively, b"%d" % number)) == b"%d" % number
        for call in stuck:
            call.cancel()
        await asyncio.wait(stuck)
        assert in_use(pool) == waiting(pool) == 0


async def test_closing_ends_everything(make_pool: MakePool) -> None:
    pool = make_pool(connections_per_origin=2)
    silent = [read_request()]
    async with serving([read_request(), send(answer(b"1")), *silent], silent) as upstream:
        await ask(pool, request_to(upstream))
        calls = [asyncio.create_task(ask(pool, request_to(upstream))) for _ in range(5)]
        await eventually(lambda: waiting(pool) == 3)
        await pool.close()
        for outcome in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(outcome, Unavailable)
        await eventually(lambda: not upstream.open_peers)
        with pytest.raises(Unavailable):
            await ask(pool, request_to(upstream))
        assert in_use(pool) == idle(pool) == waiting(pool) == 0


async def test_an_origin_that_nobody_calls_any_more_is_forgotten(pool: HttpPool) -> None:
    for _ in range(5):
        async with serving(read_request(), send(chunked(b"bye")), close()) as upstream:
            await ask(pool, request_to(upstream))
            await eventually(lambda: idle(pool) == 0)
    assert len(pool.load) == 1


async def test_a_pool_for_some_origins_calls_no_other(make_pool: MakePool) -> None:
    async with serving(*ECHO) as ours, serving(*ECHO) as other:
        pool = make_pool(only=frozenset({ours.origin}))
        assert await ask(pool, request_to(ours)) == b"{}"
        encrypted = ours.origin._replace(scheme="https")
        for origin in (other.origin, encrypted, ours.origin._replace(host="localhost")):
            request = msgspec.structs.replace(request_to(ours), origin=origin)
            with pytest.raises(EgressRefused, match="this way leads elsewhere"):
                await ask(pool, request)
        assert (len(ours.peers), other.peers) == (1, [])
