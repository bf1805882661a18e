"""Callers of our own: they send one request after the other and look at every answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from httptools import HttpParserError, HttpResponseParser

from benchmarks.conversation import Call, Route, is_right
from benchmarks.program import DidNotRunError

ANSWER_DEADLINE_S = 30.0
_OK = 200

_now = time.perf_counter
"""uvloop's own clock counts milliseconds only."""


class Answers(NamedTuple):
    """What came back in one measurement."""

    right: int
    wrong: int
    elapsed_s: float
    first_s: list[float]
    """Of each right answer, how long its first piece took [s]."""
    whole_s: list[float]
    """And how long all of it [s]."""


class Caller(asyncio.Protocol):
    """One connection with at most one request under way. What begins with `on_` is httptools'."""

    def __init__(self, call: Call, on_first_piece: Callable[[], object] | None = None) -> None:
        self.first_s = 0.0
        """When the first piece of the answer came, counted from the request [s]."""
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._request = call.request
        self._on_first_piece = on_first_piece
        self._transport: asyncio.Transport | None = None
        self._parser: HttpResponseParser = HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._asked_at = 0.0
        self._whole: asyncio.Future[bool] | None = None

    @property
    def status(self) -> int:
        """The status of the last answer."""
        return self._parser.get_status_code()

    @property
    def body(self) -> bytes:
        """What has come of the body of the last answer."""
        return b"".join(self._pieces)

    async def ask(self) -> bool:
        """Send the request; tells whether a whole answer came."""
        if self._transport is None:
            raise DidNotRunError("a call was made before there was a connection")
        self._pieces = []
        self._whole = self._loop.create_future()
        self._asked_at = _now()
        self._transport.write(self._request)
        return await self._whole

    def hang_up(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the transport."""
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """Leave what is not whole unfinished."""
        self.closed = True
        self._end(whole=False)

    def data_received(self, data: bytes) -> None:
        """Read the answer."""
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self.hang_up()

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body; the first one is timed."""
        if not self._pieces:
            self.first_s = _now() - self._asked_at
            if self._on_first_piece is not None:
                self._on_first_piece()
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Take note that the answer is whole."""
        self._end(whole=True)

    def _end(self, *, whole: bool) -> None:
        if self._whole is not None and not self._whole.done():
            self._whole.set_result(whole)


async def repeat(
    call: Call, route: Route, *, connections: int, seconds: float, spread_s: float = 0
) -> Answers:
    """Ask again and again on so many connections, which begin spread over `spread_s` [s].

    What is under way when the time is over is waited for, and counts.
    """
    begin = _now()
    tally = _Tally(route)

    async def one(index: int) -> None:
        await asyncio.sleep(spread_s * index / connections)
        until = _now() + seconds
        caller = await _connected(call)
        while _now() < until:
            if caller.closed:
                caller = await _connected(call)
            asked_at = _now()
            whole = await caller.ask()
            tally.count(caller, whole=whole, took_s=_now() - asked_at)
        caller.hang_up()

    try:
        async with asyncio.timeout(spread_s + seconds + ANSWER_DEADLINE_S):
            async with asyncio.TaskGroup() as group:
                for index in range(connections):
                    group.create_task(one(index))
    except TimeoutError:
        raise DidNotRunError("an answer never came") from None
    return tally.answers(_now() - begin)


@asynccontextmanager
async def held(call: Call, *, streams: int) -> AsyncIterator[Answers]:
    """Hold so many streams open, each of which has begun with its first chunk."""
    begin = _now()
    tally = _Tally(Route.HELD)
    callers: list[Caller] = []
    asking: list[asyncio.Task[bool]] = []
    try:
        for _ in range(streams):
            begun = asyncio.Event()
            caller = await _connected(call, begun.set)
            callers.append(caller)
            asking.append(asyncio.create_task(caller.ask()))
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                await begun.wait()
            tally.count(caller, whole=not caller.closed, took_s=caller.first_s)
        yield tally.answers(_now() - begin)
    finally:
        for caller in callers:
            caller.hang_up()
        await asyncio.gather(*asking)


async def first_answer(call: Call, route: Route) -> None:
    """Ask once; raises DidNotRunError for a wrong answer, TimeoutError without any."""
    caller = await _connected(call)
    async with asyncio.timeout(ANSWER_DEADLINE_S):
        whole = await caller.ask()
    caller.hang_up()
    if not (whole and _answered_rightly(caller, route)):
        raise DidNotRunError(f"{call.url} answered {caller.status}: {caller.body[:300]!r}")


class _Tally:
    """Counts answers, right and wrong."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._right = 0
        self._wrong = 0
        self._first_s: list[float] = []
        self._whole_s: list[float] = []

    def count(self, caller: Caller, *, whole: bool, took_s: float) -> None:
        if not (whole and _answered_rightly(caller, self._route)):
            self._wrong += 1
            return
        self._right += 1
        self._first_s.append(caller.first_s)
        self._whole_s.append(took_s)

    def answers(self, elapsed_s: float) -> Answers:
        return Answers(self._right, self._wrong, elapsed_s, self._first_s, self._whole_s)


def _answered_rightly(caller: Caller, route: Route) -> bool:
    return caller.status == _OK and is_right(route, caller.body)


async def _connected(call: Call, on_first_piece: Callable[[], object] | None = None) -> Caller:
    loop = asyncio.get_running_loop()
    _, caller = await loop.create_connection(
        lambda: Caller(call, on_first_piece), call.host, call.port
    )
    return caller
