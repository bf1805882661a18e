"""One HTTP/1.1 connection to an upstream, which carries one exchange at a time."""

import asyncio
import select
from math import inf
from typing import TYPE_CHECKING, cast

from dragoman.domain.errors import DragomanError, Stage, UpstreamBroken, UpstreamUnreachable
from dragoman.upstream.answer import AnswerBroken

if TYPE_CHECKING:
    from dragoman.upstream.exchange import Exchange
    from dragoman.upstream.lane import Lane

SLICE = 256 * 1024
"""How much of a large request is handed to the transport at once [bytes]."""

HIGH_WATER = 64 * 1024
"""With more of an answer than this unread, the upstream is not read from [bytes]."""

_TICK_S = 0.001
"""uvloop's clock counts milliseconds: one more, and a deadline that is looked at has passed."""


class _NoTransport(asyncio.Transport):
    """Stands in for a transport that is not there yet."""

    def is_closing(self) -> bool:
        """Nothing can be sent."""
        return True

    def abort(self) -> None:
        """There is nothing to end."""


class Connection(asyncio.Protocol):
    """A connection and its place in a lane, from its making until `close`.

    It is idle (no exchange), busy (one exchange) or closed. `start` makes it busy, `_finish` idle
    again, `close` closed. It knows nothing of the answer that it carries: the exchange does, and
    is let go of in the moment in which its answer is complete.
    """

    def __init__(self, lane: "Lane") -> None:
        self.closed = False
        self._lane = lane
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = _NoTransport()
        self._news = select.poll()
        self._exchange: Exchange | None = None
        self._unsent: memoryview | None = None
        self._may_write = True
        self._reading = True
        self._idle_until = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf

    @property
    def usable(self) -> bool:
        """Whether a request can be sent over it."""
        return not self.closed and not self._transport.is_closing()

    @property
    def ready(self) -> bool:
        """Whether it can carry another request: it is usable, and nothing has come meanwhile.

        The loop tells what came until its last round; the upstream may have hung up since, and a
        request that is sent after that is lost. Asking the kernel costs a microsecond.
        """
        return not (self.closed or self._transport.is_closing() or self._news.poll(0))

    # --- What the exchange asks for ---

    def start(self, exchange: "Exchange", head: bytes, body: bytes) -> None:
        """Send a request; what comes from now on is the answer to it.

        Raises `UpstreamUnreachable` if it ended while it was handed over: nothing was sent.
        """
        if not self.usable:
            raise UpstreamUnreachable(
                f"{self._lane.origin} hung up, or spoke, before it was asked.", stage=Stage.CONNECT
            )
        self._exchange = exchange
        self._alarm_by(exchange.next_look())
        if len(body) <= SLICE:
            self._transport.write(head + body)
            exchange.handed_over()
        else:
            self._transport.write(head)
            self._unsent = memoryview(body)
            self._send_more(exchange)

    def read_on(self) -> None:
        """Read from the upstream again, if too much was unread before."""
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()

    def close(self, error: DragomanError | None = None) -> None:
        """Close at once, whatever is under way; an exchange ends with `error`."""
        if self.closed:
            return
        self.closed = True
        self._unsent = None
        if self._alarm is not None:
            self._alarm.cancel()
        self._transport.abort()
        exchange, self._exchange = self._exchange, None
        self._lane.forget(self)
        if exchange is not None:
            exchange.let_go(error)

    # --- What the transport tells ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport: TCP, and TLS where there is any, are up."""
        self._transport = cast("asyncio.Transport", transport)
        if self.closed:  # whoever wanted it has gone meanwhile
            self._transport.abort()
            return
        if hasattr(transport, "set_read_buffer_limits"):  # TLS keeps what is not decrypted yet
            transport.set_read_buffer_limits(HIGH_WATER)
        self._news.register(transport.get_extra_info("socket"), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Give what came to the exchange; if there is none, hang up."""
        exchange = self._exchange
        if exchange is None:
            self.close()  # nobody has asked for anything
            return
        answer = exchange.answer
        try:
            answer.feed(data)
        except AnswerBroken as fault:
            self._break(fault)
            return
        if answer.complete:
            self._finish(exchange)
            return
        if answer.held > HIGH_WATER and self._reading:
            self._reading = False
            self._transport.pause_reading()
        exchange.wake()

    def eof_received(self) -> None:
        """Hang up too: the upstream has, in good order."""
        exchange = self._exchange
        if exchange is not None:
            try:
                exchange.answer.end()
            except AnswerBroken as fault:
                self._break(fault)
                return
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End what is not ended: the connection broke.

        With TLS (of uvloop) that is also an end without its "close notify": no `eof_received`
        comes before it, because it may be somebody on the way who cuts the answer off.
        """
        self._break(AnswerBroken("the connection was lost"))

    def pause_writing(self) -> None:
        """Stop sending: the upstream takes it slower than it is sent."""
        self._may_write = False

    def resume_writing(self) -> None:
        """Go on sending."""
        self._may_write = True
        if self._exchange is not None:
            self._send_more(self._exchange)

    # --- What follows ---

    def _send_more(self, exchange: "Exchange") -> None:
        """Hand over slices of the body for as long as the transport takes them."""
        while self._unsent is not None and self._may_write:
            piece, rest = self._unsent[:SLICE], self._unsent[SLICE:]
            self._unsent = rest or None
            self._transport.write(piece)
            exchange.handed_over()

    def _finish(self, exchange: "Exchange") -> None:
        """Part from an exchange with a complete answer; the only way back to being idle."""
        self._exchange = None
        exchange.let_go(None)
        transport = self._transport
        written = self._unsent is None and not transport.get_write_buffer_size()
        if not (exchange.answer.reusable and written) or self.closed or transport.is_closing():
            self.close()
            return
        if not self._reading:
            self.read_on()
        self._idle_until = self._loop.time() + self._lane.idle_expiry_s
        self._alarm_by(self._idle_until)
        self._lane.release(self)

    def _break(self, fault: AnswerBroken) -> None:
        self.close(UpstreamBroken(f"{self._lane.origin}: {fault}."))

    # --- Deadlines: one timer, which looks after them instead of being moved with them ---

    def _alarm_by(self, when: float) -> None:
        """Make sure that there is a look at the deadlines by then [loop time]."""
        if when < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = self._loop.call_at(when + _TICK_S, self._look)
            self._alarm_at = when

    def _look(self) -> None:
        """Close what is overdue, or come again when something may be."""
        self._alarm_at = inf
        exchange = self._exchange
        if exchange is None:
            if self._loop.time() >= self._idle_until:
                self.close()
            else:
                self._alarm_by(self._idle_until)
            return
        overdue = exchange.overdue()
        if overdue is not None:
            self.close(overdue)
        else:
            self._alarm_by(exchange.next_look())
