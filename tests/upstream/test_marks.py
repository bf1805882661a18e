"""No answer ever reaches another caller.

Many callers at once, over few connections, each with a mark of its own in its request, which the
upstream repeats through the whole answer. Some callers leave in the middle; some upstreams cut the
answer, say more than they should, or hang up, wholly or by half. A client that gave its connection
back before the body was taken sent 109 of 3 840 answers to the wrong caller, and every other test
passed.
"""

import asyncio
import itertools
import random
from collections import Counter

import pytest

from dragoman.domain.errors import UpstreamBroken
from tests.scripted_upstream import HungUp, Peer, forever, read_request, serving
from tests.upstream.calling import PATIENT, MakePool, eventually, in_use, request_to, waiting

CALLERS = 300
CALLS_EACH = 8
CONNECTIONS = 24
LONG_S = 0.4
"""Longer than most calls take, in line and in all [s]."""

KEEPING = ("plain", "streamed", "plain", "streamed", "plain", "streamed", "large")
CLOSING = ("to the end", "with more behind", "closing")
TROUBLING = ("half closed behind", "babbling behind")
"""A request that crosses with either is lost: it belongs to a connection that is over."""
CUT = ("cut in the head", "cut in a plain body", "cut in a stream")
MANNERS = (*KEEPING, *KEEPING, *CLOSING, *TROUBLING, *CUT)
"""What the upstream does with a request; the caller asks for it."""

PAUSES_S = itertools.cycle((0, 0, 0.001, 0, 0.001, 0, 0))
"""How long the upstream thinks before it answers, and between two pieces [s]."""


def body_of(mark: bytes, manner: str) -> bytes:
    return mark * (12_000 if manner == "large" else 8)


async def answer_by_request(peer: Peer) -> None:
    """Repeat the request's mark, in the manner that the request asks for."""
    mark, _, name = peer.requests[-1].body.partition(b" ")
    manner = name.decode()
    body = body_of(mark, manner)
    write = peer.write  # raises `HungUp` if the caller has left
    await asyncio.sleep(next(PAUSES_S))
    match manner:
        case "plain" | "large" | "cut in a plain body" | "with more behind" | "closing":
            last = b"connection: close\r\n" if manner == "closing" else b""
            write(b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n" % (last, len(body)))
            await asyncio.sleep(next(PAUSES_S))
            if manner == "cut in a plain body":
                write(body[:-1])
                raise hang_up(peer)
            write(body + (mark if manner == "with more behind" else b""))
            if manner == "closing":
                raise hang_up(peer)
        case "half closed behind":
            write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            peer.close_half()
            raise HungUp
        case "babbling behind":
            write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            await asyncio.sleep(next(PAUSES_S))
            write(mark)
        case "streamed" | "cut in a stream":
            write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for start in range(0, len(body), len(mark)):
                await asyncio.sleep(next(PAUSES_S))
                write(b"%x\r\n%s\r\n" % (len(mark), body[start : start + len(mark)]))
            if manner == "cut in a stream":
                raise hang_up(peer)
            write(b"0\r\n\r\n")
        case "to the end":
            write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
            raise hang_up(peer)
        case _:
            write(b"HTTP/1.1 200 OK\r\nx: " + mark)
            raise hang_up(peer)


def hang_up(peer: Peer) -> HungUp:
    peer.transport.close()
    return HungUp()


@pytest.mark.parametrize("seed", range(3))
async def test_no_answer_ever_reaches_another_caller(seed: int, make_pool: MakePool) -> None:
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    pool = make_pool(connections_per_origin=CONNECTIONS)
    troubles = 0

    async def call(mark: bytes, manner: str, leaves_after: int) -> None:
        request = request_to(upstream, mark + b" " + manner.encode(), deadlines=PATIENT)
        expected, seen = body_of(mark, manner), b""
        async with pool.exchange(request) as exchange:
            while piece := await exchange.read():
                seen += piece
                assert expected.startswith(seen), "another caller's answer"
                if len(seen) >= leaves_after:
                    outcomes["left"] += 1
                    return
                await asyncio.sleep(chance.choice((0, 0, 0.002)))
        assert seen == expected, "an answer that was cut looks complete"
        outcomes["answered"] += 1

    async def caller(number: int) -> None:
        nonlocal troubles
        for turn in range(CALLS_EACH):
            mark = b"<%d/%d>" % (number, turn)
            manner = chance.choice(MANNERS)
            leaves_after = 20 if chance.random() < 0.1 else 10**9
            troubles += manner in TROUBLING
            task = asyncio.create_task(call(mark, manner, leaves_after))
            if chance.random() < 0.3:  # in line, before the answer, within it, or too late
                await asyncio.wait([task], timeout=chance.random() * LONG_S)
                task.cancel()
            await asyncio.wait([task])
            if task.cancelled():
                outcomes["cancelled"] += 1
            elif isinstance(task.exception(), UpstreamBroken):
                outcomes["broken" if manner in CUT else "lost"] += 1
            else:
                task.result()

    async with serving(forever(read_request(), answer_by_request)) as upstream:
        async with asyncio.timeout(100):
            await asyncio.gather(*(caller(number) for number in range(CALLERS)))
        assert sum(outcomes.values()) == CALLERS * CALLS_EACH
        assert min(outcomes[each] for each in ("answered", "left", "broken", "cancelled")) > 50
        assert outcomes["lost"] <= troubles
        assert in_use(pool) == waiting(pool) == 0
        assert len(upstream.requests) > 2 * len(upstream.peers), "connections were hardly reused"
        await pool.close()
        await eventually(lambda: not upstream.open_peers)
