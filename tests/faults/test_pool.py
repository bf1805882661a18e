"""Each fault against the pool: the upstream's, told as such, and over when it is."""

import ssl
from pathlib import Path

import pytest

from dragoman.domain.errors import DragomanError, UpstreamError
from dragoman.domain.ports import UpstreamRequest
from dragoman.upstream.pool import HttpPool
from tests.faults.fault import Fault
from tests.faults.table import BODY, EARLY, FAULTS, LIMITS, ODD, SECRET, Odd
from tests.scripted_upstream import Script, Step, read_body, read_request, send, serving
from tests.upstream.calling import MakePool, answer, ask, eventually, in_use, request_to

OUR_SECRET = b"Bearer sk-planted-in-the-request"


@pytest.fixture
async def pool(make_pool: MakePool, ca_bundle: Path) -> HttpPool:
    return make_pool(limits=LIMITS, ca_bundle=ca_bundle)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault(pool: HttpPool, fault: Fault, certified: ssl.SSLContext) -> None:
    async with (
        serving(read_request(), send(answer(b"well"))) as healthy,
        fault.serving(certified if fault.encrypted else None) as upstream,
    ):
        request = request_to(
            upstream,
            headers=[(b"authorization", OUR_SECRET)],
            deadlines=fault.deadlines,
        )
        error, body = await outcome(pool, request)
        if fault.is_http:
            assert error is None or isinstance(error, UpstreamError)
        else:
            assert type(error) is fault.error
            assert body.startswith(fault.beginning or b"")
            assert (fault.beginning is not None) or not body
        for secret in (SECRET, OUR_SECRET):
            assert secret.decode() not in f"{error!r} {error} {getattr(error, '__cause__', None)}"
        assert in_use(pool) == 0
        assert await ask(pool, request_to(healthy)) == b"well"
        await eventually(lambda: fault.is_http or not upstream.open_peers)
        assert len(upstream.requests) <= 1


async def outcome(pool: HttpPool, request: UpstreamRequest) -> tuple[DragomanError | None, bytes]:
    """Make an exchange; gives what ended it, and what had come by then."""
    body = bytearray()
    try:
        async with pool.exchange(request) as exchange:
            while len(body) <= 2 * LIMITS.answer and (piece := await exchange.read()):
                body += piece
    except DragomanError as error:
        return error, bytes(body)
    return None, bytes(body)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_what_is_odd_but_an_answer(pool: HttpPool, odd: Odd) -> None:
    follower = [read_request(), send(answer(b"next"))]
    first = [read_request(), *odd.script, *follower]
    async with serving(first, follower) as upstream:
        assert await ask(pool, request_to(upstream)) == odd.body
        assert in_use(pool) == 0
        if not odd.reusable:
            await upstream.peers[0].left()
        assert await ask(pool, request_to(upstream)) == b"next"
        assert len(upstream.peers) == (1 if odd.reusable else 2)


@pytest.mark.parametrize("script", EARLY.values(), ids=EARLY)
async def test_an_answer_that_comes_before_the_request_was_read(
    pool: HttpPool, script: Script
) -> None:
    follower: list[Step] = [read_request(), send(answer(BODY))]
    async with serving([*script, read_body(), *follower], follower) as upstream:
        request = request_to(upstream, bytes(20_000_000))
        async with pool.exchange(request) as exchange:
            assert exchange.status == 413
            assert await exchange.read() == b"{}"
        assert in_use(pool) == 0
        assert await ask(pool, request_to(upstream)) == BODY
