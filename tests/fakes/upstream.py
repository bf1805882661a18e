"""An upstream in memory: notes what it is sent, and answers what it was told."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dragoman.domain.ports import Headers, UpstreamRequest


class FakeExchange:
    """An answer whose body comes in pieces."""

    def __init__(
        self, status: int, headers: Headers, pieces: Sequence[bytes | BaseException]
    ) -> None:
        self.status = status
        self.headers = headers
        self._pieces = list(pieces)

    def whole(self) -> bytes | None:
        """Give all of the body, where it comes in one piece that is not an error."""
        match self._pieces:
            case [bytes(body)]:
                self._pieces.clear()
                return body
            case _:
                return None

    async def read(self) -> bytes:
        """Give the next piece, or nothing after the last one; an error in its place is raised."""
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, BaseException):
            raise piece
        return piece


class FakeUpstream:
    """Answers every request alike, unless it was told something else for its origin."""

    def __init__(self, *pieces: bytes, status: int = 200, headers: Headers | None = None) -> None:
        self._answer = (status, headers or [], list(pieces))
        self.requests: list[UpstreamRequest] = []
        self.outcomes: dict[str, list[FakeExchange | BaseException]] = {}
        """By host: what comes of the next requests there."""

    @asynccontextmanager
    async def exchange(self, request: UpstreamRequest) -> AsyncIterator[FakeExchange]:
        """Take a request."""
        self.requests.append(request)
        outcomes = self.outcomes.get(request.origin.host)
        outcome = outcomes.pop(0) if outcomes else FakeExchange(*self._answer)
        if isinstance(outcome, BaseException):
            raise outcome
        yield outcome


def sent_lines(request: UpstreamRequest) -> Headers:
    """Give all header lines of a request."""
    return [line for block in request.headers for line in block.lines]


class FakeAnswer:
    """A caller's connection, which keeps what it is given."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.is_whole = False

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Take all of it."""
        self.status, self.headers, self.body, self.is_whole = status, headers, body, True

    async def begin(self, status: int, headers: Headers) -> None:
        """Take the head."""
        self.status, self.headers = status, headers

    async def write(self, piece: bytes) -> None:
        """Take a piece."""
        self.body += piece

    async def end(self) -> None:
        """Take note that it is whole."""
        self.is_whole = True
