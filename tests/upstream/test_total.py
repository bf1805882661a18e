"""The connections of the whole pool have a limit too, whatever each origin may have."""

import asyncio

import pytest

from dragoman.domain.errors import Unavailable
from tests.scripted_upstream import forever, read_request, reply, serving
from tests.upstream.calling import MakePool, answer, ask, eventually, in_use, request_to

ECHO = forever(read_request(), reply(lambda request: answer(request.body)))


async def test_an_idle_connection_makes_room_for_another_origin(make_pool: MakePool) -> None:
    pool = make_pool(connections=2)
    async with serving(ECHO) as one, serving(ECHO) as two, serving(ECHO) as three:
        for upstream in (one, two, three, one):
            assert await ask(pool, request_to(upstream, b"x")) == b"x"
        await eventually(lambda: sum(len(each.open_peers) for each in (one, two, three)) == 2)


async def test_without_room_a_call_is_refused_at_once(make_pool: MakePool) -> None:
    pool = make_pool(connections=2)
    async with serving(read_request()) as silent, serving(ECHO) as lively:
        calls = [asyncio.create_task(ask(pool, request_to(silent))) for _ in range(2)]
        await eventually(lambda: in_use(pool) == 2)
        with pytest.raises(Unavailable):
            await ask(pool, request_to(lively))
        calls[0].cancel()
        await asyncio.wait([calls[0]])
        assert await ask(pool, request_to(lively, b"x")) == b"x"
        calls[1].cancel()
        await asyncio.wait([calls[1]])
