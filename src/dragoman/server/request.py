"""One request of a caller and the answer to it, as an ASGI application sees them."""

import logging
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from dragoman.dialect.record import AsgiApp
from dragoman.dialect.request_id import new_request_id
from dragoman.domain.ports import Headers
from dragoman.server.framing import (
    LARGE_BYTES,
    BrokenAnswer,
    Framing,
    encode_head,
    encode_large_piece,
    encode_piece,
    framing_of,
)

if TYPE_CHECKING:
    import asyncio

    from dragoman.server.connection import Connection

log = logging.getLogger(__name__)

WhenGone = Callable[["asyncio.Task[None]"], object]


class Request:
    """A request whose head is there; its body may still be arriving.

    It is answered when the last byte of its answer has been handed over, gone when nobody is there
    any more to take one. The answer's head waits for the first piece, at most until the loop's
    next round: what is there at once goes out at once.
    """

    __slots__ = (
        "_connection",
        "_expects_continue",
        "_framing",
        "_head",
        "_id",
        "_is_begun",
        "_is_read",
        "_left",
        "_pieces",
        "_reader",
        "_when_gone",
        "is_answered",
        "is_gone",
        "is_last",
        "is_old",
        "is_sent",
        "is_whole",
        "scope",
        "task",
        "unread",
    )

    def __init__(
        self,
        connection: "Connection",
        scope: dict[str, Any],
        *,
        is_last: bool,
        expects_continue: bool,
    ) -> None:
        self.scope = scope
        self.is_old = scope["http_version"] != "1.1"
        self.is_last = is_last
        """Whether the connection ends with the answer."""
        self.is_whole = False
        """Whether the last byte of the body is there."""
        self.is_sent = False
        """Whether the first byte of the answer has been handed over."""
        self.is_answered = False
        self.is_gone = False
        self.unread = 0
        """How much of the body is there and not read [bytes]."""
        self.task: asyncio.Task[None] | None = None
        self._connection = connection
        self._expects_continue = expects_continue
        self._pieces: list[bytes] = []
        self._is_read = False
        self._reader: asyncio.Future[None] | None = None
        self._when_gone: WhenGone | None = None
        self._is_begun = False
        self._head = b""
        self._id = ""
        self._framing = Framing.NOTHING
        self._left = 0

    # --- What the connection tells ---

    def add(self, piece: bytes) -> None:
        """Take in a piece of the body."""
        if not self.is_answered:
            self._pieces.append(piece)
            self.unread += len(piece)
            self._wake()

    def complete(self) -> None:
        """Take in that the body has ended."""
        self.is_whole = True
        self._wake()

    def leave(self) -> None:
        """Take in that the caller has gone away."""
        self.is_gone = True
        self._pieces.clear()
        self._wake()
        if self._when_gone is not None and self.task is not None:
            self._when_gone(self.task)

    # --- What the application uses ---

    async def run(self, app: AsgiApp) -> None:
        """Have the request handled, and see to it that an answer is whole or visibly cut."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception:
            self._id = new_request_id()
            log.exception("request_failed", extra={"request_id": self._id})
        finally:
            if not (self.is_answered or self.is_gone):
                self._give_up()
            self._connection.over(self)
            self.scope = {}  # it holds a method of this object: nothing has to look for the circle

    def when_gone(self, callback: WhenGone | None) -> None:
        """Have something called when the caller goes away, or at once if it has."""
        self._when_gone = callback
        if callback is not None and self.is_gone and self.task is not None:
            callback(self.task)

    async def receive(self) -> MutableMapping[str, Any]:
        """Give what is there of the body; after its end, wait for the caller to go away."""
        while not (self.is_gone or self.is_answered):
            if self._pieces or (self.is_whole and not self._is_read):
                return self._taken()
            if self._expects_continue and not self._is_begun:
                self._expects_continue = False
                self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._reader = self._connection.loop.create_future()
            await self._reader
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Write the head, or a piece of the body; returns when there is room for more."""
        if self.is_gone:
            return
        if self.is_answered:
            raise BrokenAnswer("something was sent behind the end of an answer")
        if message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", []))
            return
        piece, is_last = message.get("body", b""), not message.get("more_body", False)
        self._count(len(piece), is_last=is_last)
        head, self._head = self._head, b""
        if len(piece) > LARGE_BYTES:
            self.is_sent = True
            parts = encode_large_piece(piece, self._framing, is_last=is_last)
            self._connection.write_parts(head, *parts)
        elif data := head + encode_piece(piece, self._framing, is_last=is_last):
            self.is_sent = True
            self._connection.write(data)
        if is_last:
            self.is_answered = True
            self._pieces.clear()
            self._wake()
            self._connection.answered(self)
        elif not self._connection.outlet.has_room:
            await self._connection.outlet.room()

    # --- What follows ---

    def _taken(self) -> MutableMapping[str, Any]:
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.unread = 0
        self._is_read = self.is_whole
        self._connection.read_on()
        return {"type": "http.request", "body": body, "more_body": not self.is_whole}

    def _begin(self, status: int, headers: Headers) -> None:
        if self._is_begun:
            raise BrokenAnswer("an answer was begun twice")
        method = self.scope["method"]
        self._framing, self._left = framing_of(status, headers, method=method, is_old=self.is_old)
        if self._framing is Framing.CLOSE or not self.is_whole:
            self.is_last = True
        self._head = encode_head(
            status, headers, self._framing, self._connection.tail(is_last=self.is_last)
        )
        self._is_begun = True
        if self._framing is not Framing.LENGTH:  # whose head says nothing without its body
            self._connection.loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Let the head go alone: its body keeps it waiting."""
        head, self._head = self._head, b""
        if head and not self.is_gone:
            self.is_sent = True
            self._connection.write(head)

    def _count(self, size: int, *, is_last: bool) -> None:
        if not self._is_begun:
            raise BrokenAnswer("the body of an answer came before its head")
        if self._framing is Framing.LENGTH:
            self._left -= size
            if self._left < 0 or (is_last and self._left):
                raise BrokenAnswer("the body of an answer is not as long as its head says")

    def _give_up(self) -> None:
        """Answer that it failed, or cut what has been begun so that it does not look whole."""
        self._head = b""
        if self.is_sent:
            self._connection.cut(hard=self._framing is Framing.CLOSE)
        else:
            self._connection.fail(self, self._id or new_request_id())

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
