"""One connection of a caller, which carries one request after another."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from dragoman.dialect.request_id import new_request_id
from dragoman.server.head import Head
from dragoman.server.limits import (
    AHEAD_BYTES,
    AHEAD_REQUESTS,
    BODY_BYTES_PER_S,
    LINGER_S,
    UNREAD_BYTES,
)
from dragoman.server.outlet import Outlet
from dragoman.server.reading import Reader, Refused
from dragoman.server.refusal import FAILED, NO_ROOM, SHUTTING_DOWN, refusal
from dragoman.server.request import Request
from dragoman.server.sockets import has_gone, prepare, reset_at_close

if TYPE_CHECKING:
    from dragoman.server.server import Server


class Connection(asyncio.Protocol):
    """A caller's connection.

    Requests are handled one at a time, in the order in which they came. What is refused ends the
    connection, with an answer where none has begun.
    """

    def __init__(self, server: "Server") -> None:
        self.loop = server.loop
        self.outlet = Outlet(self.loop)
        self._server = server
        self._reader = Reader(self, server.limits.head_bytes)
        self._transport: asyncio.Transport
        self._addresses: dict[str, object] = {}
        self._request: Request | None = None
        """The one that is being handled."""
        self._incoming: Request | None = None
        """The one whose head came last."""
        self._line: deque[Request] = deque()
        self._refused: Refused | None = None
        """What is to be said when the requests that came before it have been answered."""
        self._is_reading = True
        self._is_ending = False
        """Whether what comes is dropped: the last answer has been written."""
        self._ahead_bytes = 0
        self._body_bytes = 0
        self._since = self.loop.time()
        """When the phase began that the caller is in [loop time]."""

    # --- What a request uses ---

    def write(self, data: bytes) -> None:
        """Hand bytes over to be sent."""
        self._transport.write(data)

    def write_parts(self, *parts: bytes) -> None:
        """Hand bytes over to be sent, one part after another, without a copy of them."""
        self._transport.writelines(parts)

    def tail(self, *, is_last: bool) -> bytes:
        """Give the lines that stand last in an answer's head, and its end."""
        server = self._server
        return server.tails[is_last or server.is_draining]

    def read_on(self) -> None:
        """Read again, if too much was unread before."""
        if not self._is_reading and not self._transport.is_closing():
            self._is_reading = True
            self._since = self.loop.time()  # the time it was not read from is not its own
            self._transport.resume_reading()

    def answered(self, request: Request) -> None:
        """Go on to the next request, or end with this one."""
        if request.is_last or self._server.is_draining:
            self._end(linger=not request.is_whole)
            return
        self._request = None
        self._since = self.loop.time()
        self._ahead_bytes = 0
        self.read_on()
        if self._line:
            self._start(self._line.popleft())
        elif self._refused is not None:
            self._refuse(self._refused)

    def over(self, request: Request) -> None:
        """Take note that a request's handler has returned."""
        self._server.forget_request(request)

    def fail(self, request: Request, request_id: str) -> None:
        """Answer a request that nothing has been said to, and end with it."""
        refused = SHUTTING_DOWN if self._server.is_draining else FAILED
        request.is_answered = request.is_last = True
        self._say(refused, request_id, is_head=request.is_head)
        self.answered(request)

    def cut(self, *, hard: bool) -> None:
        """End in the middle of an answer, by a reset if its end could not be told otherwise."""
        self._is_ending = True
        if hard:
            reset_at_close(self._transport)
        self._close()

    # --- What the reader tells ---

    def take_head(self, head: Head) -> None:
        """Begin a request, or put it in line. Raises Refused if the line is too long."""
        request = Request(self, head, self._addresses)
        self._take(request)
        self._incoming = request
        self._body_bytes = 0

    def take_piece(self, piece: bytes) -> None:
        """Pass a piece of a body on."""
        self._body_bytes += len(piece)
        request = self._incoming
        if request is not None:
            request.add(piece)
            if request.unread > UNREAD_BYTES:
                self._read_no_more()

    def take_end(self) -> None:
        """Pass the end of a body on."""
        if self._incoming is not None:
            self._incoming.complete()
            self._incoming = None

    def take_whole(self, head: Head, body: bytes) -> None:
        """Begin a request that is all there. Raises Refused if the line is too long."""
        self._take(Request(self, head, self._addresses, body))
        if len(body) > UNREAD_BYTES:
            self._read_no_more()

    # --- What the transport tells ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or say that there is no room."""
        self._transport = cast("asyncio.Transport", transport)
        prepare(self._transport)
        admitted = self._server.admit(self)
        peer = transport.get_extra_info("peername")
        if peer is None:  # it has gone before it was accepted
            self.abort()
            return
        server = transport.get_extra_info("sockname")
        self._addresses = {"client": peer[:2], "server": server[:2]}
        if not admitted:
            self._refuse(SHUTTING_DOWN if self._server.is_draining else NO_ROOM)

    def data_received(self, data: bytes) -> None:
        """Read requests."""
        if self._is_ending:
            return
        if self._request is None and not self._reader.head_bytes:
            self._since = self.loop.time()  # a head begins
        try:
            self._reader.feed(data)
        except Refused as refused:
            self._refuse(refused)
            return
        if self._line or (self._request is not None and self._request.is_whole):
            self._ahead_bytes += len(data)
            if self._ahead_bytes > AHEAD_BYTES:
                self._read_no_more()

    def eof_received(self) -> None:
        """Take note that the caller has gone: none sends no more and reads on."""
        self._leave()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Take note that the caller has gone."""
        self._leave()
        self._request = self._incoming = None
        self._reader.close()
        self._server.forget(self)

    def pause_writing(self) -> None:
        """Take note that much is waiting for the caller."""
        self.outlet.fill()

    def resume_writing(self) -> None:
        """Take note that the caller has taken it."""
        self.outlet.free()

    # --- What the server asks for ---

    def look(self, now: float) -> None:
        """End with a caller that is too slow, in whatever it is doing [loop time]."""
        limits = self._server.limits
        waited_s = now - self._since
        if not self._is_reading and not self._transport.is_closing() and has_gone(self._transport):
            self._leave()
            self._close()
        elif self._transport.is_closing() or not self.outlet.has_room:
            if self.outlet.is_stuck(self._transport, now, limits.write_s):
                self.abort()
        elif self._request is None and not self._is_ending:
            if not self._reader.head_bytes:
                if waited_s > limits.keep_alive_s:
                    self._end(linger=False)
            elif waited_s > limits.head_s:
                self._refuse(Refused(408, "The head of the request took too long to come."))
        elif self._is_sending_body and (
            waited_s > limits.body_s + self._body_bytes / BODY_BYTES_PER_S
        ):
            self._refuse(Refused(408, "The body of the request took too long to come."))

    def drain(self) -> None:
        """End now if nothing is under way, else with the answer that is."""
        if self._request is None:
            self._end(linger=False)

    def abort(self) -> None:
        """End at once, by a reset: what has been written does not look whole."""
        self._is_ending = True
        reset_at_close(self._transport)
        self._transport.abort()

    # --- What follows ---

    @property
    def _is_sending_body(self) -> bool:
        """Whether it is the caller that keeps its request from going on."""
        return self._incoming is not None and self._incoming is self._request and self._is_reading

    def _take(self, request: Request) -> None:
        if self._request is None:
            self._since = self.loop.time()
            self._start(request)
        elif len(self._line) < AHEAD_REQUESTS:
            self._line.append(request)
        else:
            raise Refused(429, "Wait for answers before you send more requests on a connection.")

    def _start(self, request: Request) -> None:
        self._request = request
        self._server.running.add(request)
        request.task = self.loop.create_task(request.run(self._server.app))

    def _read_no_more(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._transport.pause_reading()

    def _refuse(self, refused: Refused) -> None:
        """Answer that something is not taken, and end; what came before it is answered first."""
        request = self._request
        if self._is_ending or self._transport.is_closing():
            return
        if request is not None and request is not self._incoming:
            self._refused = refused
            if self._incoming is not None:
                self._line.pop()
            return
        if request is not None:
            if request.is_sent:
                self.abort()  # inside an answer, ours would be taken for a part of it
                return
            request.leave()
        self._say(refused, new_request_id())
        self._end(linger=True)

    def _say(self, refused: Refused, request_id: str, *, is_head: bool = False) -> None:
        head, body = refusal(refused, request_id, self.tail(is_last=True))
        self.write(head if is_head else head + body)

    def _end(self, *, linger: bool) -> None:
        """Close when all is sent; closed while it is sending, a caller would see a reset."""
        self._is_ending = True
        if linger:
            self.read_on()
            self._transport.write_eof()
            self.loop.call_later(LINGER_S, self._close)
        else:
            self._close()

    def _close(self) -> None:
        if not self._transport.is_closing():
            self.outlet.watch()
            self._transport.close()

    def _leave(self) -> None:
        self._is_ending = True
        self._line.clear()
        if self._request is not None:
            self._request.leave()
        self.outlet.free()
