"""One request and its answer, as a caller holds them."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Self

from dragoman.domain.errors import DragomanError, Internal, UpstreamTimeout
from dragoman.domain.ports import UpstreamRequest
from dragoman.upstream.answer import Answer, AnswerLimits
from dragoman.upstream.head import encode_head
from dragoman.upstream.lane import Lane

if TYPE_CHECKING:
    from dragoman.upstream.connection import Connection


class Exchange:
    """An exchange: the block that it opens begins with the answer's head and owns all the rest.

    Implements the port `UpstreamExchange`. The connection is let go of when the answer is
    complete, read or not; leaving the block before that closes it. One task reads at a time.
    """

    __slots__ = (
        "_connection",
        "_deadlines",
        "_failure",
        "_find_lane",
        "_loop",
        "_origin",
        "_patience_s",
        "_request",
        "_sent_at",
        "_total_at",
        "_waiter",
        "_waiting_since",
        "answer",
        "headers",
        "status",
    )

    def __init__(
        self,
        request: UpstreamRequest,
        find_lane: Callable[[UpstreamRequest], Lane],
        limits: AnswerLimits,
        loop: asyncio.AbstractEventLoop,  # looking for it would ask the system
    ) -> None:
        self.status = 0
        self.answer = Answer(limits)
        self.headers = self.answer.headers
        self._request: UpstreamRequest | None = request
        self._origin = request.origin
        self._deadlines = deadlines = request.deadlines
        self._find_lane = find_lane
        self._loop = loop
        self._connection: Connection | None = None
        self._failure: DragomanError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._waiting_since = 0.0
        self._sent_at = inf
        self._total_at = loop.time() + deadlines.total_s
        self._patience_s = min(deadlines.first_byte_s, deadlines.idle_s)

    async def __aenter__(self) -> Self:
        """Send the request; raises what the port says when there is no answer."""
        request, self._request = self._request, None  # a long answer does not keep its body
        if request is None:
            raise Internal("An exchange was begun twice.")
        lane = self._find_lane(request)
        head = encode_head(request, lane.host)
        self._connection = lane.take_idle() or await lane.acquire(request.deadlines)
        try:
            self._connection.start(self, head, request.body)
            while not self.answer.begun:
                await self._news()
        except BaseException:
            self._leave()
            raise
        self.status = self.answer.status
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection unless its answer is complete."""
        self._leave()

    def whole(self) -> bytes | None:
        """Give the body if all of it is there and none of it has been read; else read it."""
        answer = self.answer
        return answer.take() if answer.complete and answer.untouched else None

    async def read(self) -> bytes:
        """Give the next piece of the body as it came, or b"" after the last one."""
        answer = self.answer
        while not answer.held:
            if answer.complete:
                return b""
            if self._connection is not None:
                self._connection.read_on()  # not before: what was given last has been passed on
            await self._news()
        return answer.take()

    def _news(self) -> asyncio.Future[None]:
        """Give what ends when something has come; raises what has ended the exchange."""
        if self._failure is not None:
            raise self._failure
        self._waiting_since = self._loop.time()
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close(Internal("An exchange was read from after its block."))

    # --- What the connection tells ---

    def handed_over(self) -> None:
        """Begin to wait anew: the request, or a slice of it, has been given to the transport."""
        self._sent_at = self._loop.time()

    def wake(self) -> None:
        """Let whoever waits look again."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def let_go(self, error: DragomanError | None) -> None:
        """Part from the connection, with a complete answer or with an error."""
        self._connection = None
        self._failure = error
        self.answer.close()
        self.wake()

    def overdue(self) -> UpstreamTimeout | None:
        """Give the error, if a deadline has passed."""
        due_at, limit_s, phase = self._due()
        if self._loop.time() < due_at:
            return None
        return UpstreamTimeout(f"{self._origin} took longer than {limit_s:g} s ({phase}).")

    def next_look(self) -> float:
        """Say when it may be overdue at the earliest, whatever happens until then [loop time]."""
        due_at = self._total_at if self._waiter is None else self._due()[0]
        return min(due_at, self._loop.time() + self._patience_s)

    def _due(self) -> tuple[float, float, str]:
        """Say when it is overdue if nothing happens [loop time], by which limit [s] and phase."""
        deadlines = self._deadlines
        total = (self._total_at, deadlines.total_s, "total")
        if self._waiter is None:
            return total
        if self.answer.begun:
            phase = (self._waiting_since + deadlines.idle_s, deadlines.idle_s, "idle")
        else:
            phase = (self._sent_at + deadlines.first_byte_s, deadlines.first_byte_s, "first byte")
        return min(total, phase)
