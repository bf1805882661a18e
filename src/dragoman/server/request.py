"""One request of a caller and the answer to it, as an ASGI application sees them."""

import asyncio
import logging
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from dragoman.dialect.record import CALLER, AsgiApp
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
from dragoman.server.head import Head

if TYPE_CHECKING:
    from dragoman.server.connection import Connection

log = logging.getLogger(__name__)

WhenGone = Callable[[asyncio.Task[None]], object]


class Request:
    """A request whose head is there; its body may still be arriving.

    It is answered when the last byte of its answer has been handed over, gone when nobody is there
    any more to take one. The answer's head waits for the first piece, at most until the loop's
    next round: what is there at once goes out at once. Implements `dialect.record.Caller`.
    """

    __slots__ = (
        "_connection",
        "_framing",
        "_has_continued",
        "_head",
        "_id",
        "_is_begun",
        "_is_read",
        "_left",
        "_pieces",
        "_reader",
        "_unsent_head",
        "_when_gone",
        "is_answered",
        "is_gone",
        "is_last",
        "is_sent",
        "is_whole",
        "kept",
        "scope",
        "task",
        "unread",
    )

    def __init__(
        self,
        connection: "Connection",
        head: Head,
        addresses: dict[str, object],
        body: bytes | None = None,
    ) -> None:
        """`body` is all of it, if that is there already."""
        self.kept = head.kept
        self.is_last = head.is_last
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
        self._head = head
        self._has_continued = False
        """Whether a caller that waits for leave to send its body has been given it."""
        self._pieces: list[bytes] = []
        self._is_read = False
        self._reader: asyncio.Future[None] | None = None
        self._when_gone: WhenGone | None = None
        self._is_begun = False
        self._unsent_head = b""
        self._id = ""
        self._framing = Framing.NOTHING
        self._left = 0
        if body is not None:
            self._pieces.append(body)
            self.unread = len(body)
            self.is_whole = True
        self.scope = head.scope | addresses | {"extensions": {CALLER: self}}

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

    # --- What the connection and the application use ---

    @property
    def is_head(self) -> bool:
        """Whether the answer has no body, whatever its head says."""
        return bool(self._head.scope["method"] == "HEAD")

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
            self.scope = {}  # it holds this object: nothing has to look for the circle

    def when_gone(self, callback: WhenGone | None) -> None:
        """Have something called when the caller goes away, or at once if it has."""
        self._when_gone = callback
        if callback is not None and self.is_gone and self.task is not None:
            callback(self.task)

    async def receive(self) -> MutableMapping[str, Any]:
        """Give what is there of the body; after its end, wait for the caller to go away."""
        while not (self.is_gone or self.is_answered):
            if self._pieces or (self.is_whole and not self._is_read):
                return {
                    "type": "http.request",
                    "body": self._take(),
                    "more_body": not self._is_read,
                }
            if self._head.expects_continue and not (self._has_continued or self._is_begun):
                self._has_continued = True
                self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._reader = self._connection.loop.create_future()
            await self._reader
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Write the head, or a piece of the body; returns when there is room for more."""
        if self.is_gone:
            return
        if message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", []))
            return
        is_last = not message.get("more_body", False)
        self._put(message.get("body", b""), is_last=is_last)
        if not (is_last or self._connection.outlet.has_room):
            await self._connection.outlet.room()

    def rest_of_body(self) -> bytes | None:
        """Give what has not been read of the body, if all of that is there."""
        if not self.is_whole or self._is_read or self.is_gone:
            return None
        return self._take()

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Write a whole answer, when there is room for it."""
        if not self._connection.outlet.has_room:  # the answers before it have not been taken
            await self._connection.outlet.room()
        if not self.is_gone:
            self._begin(status, headers)
            self._put(body, is_last=True)

    # --- What follows ---

    def _take(self) -> bytes:
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.unread = 0
        self._is_read = self.is_whole
        self._connection.read_on()
        return body

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        """Hand a piece of the body over to be sent, with the head if that has waited for it."""
        if self.is_answered:
            raise BrokenAnswer("something was sent behind the end of an answer")
        self._count(len(piece), is_last=is_last)
        head, self._unsent_head = self._unsent_head, b""
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

    def _begin(self, status: int, headers: Headers) -> None:
        if self._is_begun:
            raise BrokenAnswer("an answer was begun twice")
        self._framing, self._left = framing_of(
            status, headers, is_head=self.is_head, is_old=self._head.is_old
        )
        if self._framing is Framing.CLOSE or not self.is_whole:
            self.is_last = True
        self._unsent_head = encode_head(
            status, headers, self._framing, self._connection.tail(is_last=self.is_last)
        )
        self._is_begun = True
        if self._framing is not Framing.LENGTH:  # whose head says nothing without its body
            self._connection.loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Let the head go alone: its body keeps it waiting."""
        head, self._unsent_head = self._unsent_head, b""
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
        self._unsent_head = b""
        if self.is_sent:
            self._connection.cut(hard=self._framing is Framing.CLOSE)
        else:
            self._connection.fail(self, self._id or new_request_id())

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
