"""From a caller's bytes to heads and bodies: llhttp's strictness, and what it leaves open."""

from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from httptools import (
    HttpParserError,
    HttpParserInvalidURLError,
    HttpParserUpgrade,
    HttpRequestParser,
    parse_url,
)

from dragoman.server.head import Head, Known, known

if TYPE_CHECKING:
    from dragoman.domain.ports import Headers


class Refused(Exception):
    """What came is not taken; `status` says why [HTTP], the message to whom it may concern."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Taker(Protocol):
    """Who takes what is read."""

    def take_head(self, head: Head) -> None:
        """Begin a request."""
        ...

    def take_piece(self, piece: bytes) -> None:
        """Go on with the body of the request that began last."""
        ...

    def take_end(self) -> None:
        """End the request that began last."""
        ...

    def take_whole(self, head: Head, body: bytes) -> None:
        """Begin a request and end it."""
        ...


_NOT_HTTP = "This is not a valid HTTP/1.1 request."
_TOO_LARGE = "The request line and headers are too large."

_ASGI = {"version": "3.0", "spec_version": "2.3"}

_VERSIONS = frozenset({"1.0", "1.1"})
_WATCHED = frozenset({b"transfer-encoding", b"expect"})


class Reader:
    """Reads one connection. The methods that begin with `on_` are called by llhttp.

    llhttp refuses two lengths, a length beside chunks, folded lines and line ends without CR.
    Refused here as well: any transfer encoding but `chunked`, chunks in HTTP/1.0, other versions
    of HTTP, and tunnels. An offer to change the protocol is not taken (RFC 9110, section 7.8).
    Fields behind a chunked body are dropped: kept among the headers, a trailer could say whose
    request it is after the head has been judged.

    A caller that asks again sends the same head again, and the same bytes mean the same: what
    llhttp said of a whole request that came alone is said again of the next one like it, which it
    does not see. It stands between two requests all the while.
    """

    def __init__(self, taker: Taker, max_head_bytes: int) -> None:
        self.in_head = True
        """Whether what comes next belongs to a head."""
        self.head_bytes = 0
        """How much of an unfinished head is there, more or less [bytes]."""
        self._taker = taker
        self._max_head_bytes = max_head_bytes
        self._parser = HttpRequestParser(self)
        self._known: Known | None = None
        self._head: Head | None = None
        self._body_bytes = 0
        self._began_within = False
        self._trailer_bytes = 0
        self._url = b""
        self._headers: Headers = []
        self._has_chunks = self._expects_continue = False
        self._is_last = self._is_over = self._is_offer = False

    def feed(self, data: bytes) -> None:
        """Read on. Raises Refused, after which nothing more is read."""
        if self._is_over:
            return
        is_between = self.in_head and not self.head_bytes
        if is_between and self._known is not None and self._known.begins(data):
            self._read_again(self._known, data)
            return
        if self.in_head:
            self.head_bytes += len(data)
        self._head = None
        offered_at = 0
        try:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as offer:
                offered_at = offer.args[0]
            if offered_at:  # here, where no other exception stands behind what is raised
                self._read_without_offers(data, offered_at)
        except HttpParserError as error:
            if self._is_deaf():
                return  # it follows a request that said it was the last one
            self._is_over = True
            ours = error.__context__
            raise ours if isinstance(ours, Refused) else Refused(400, _NOT_HTTP) from None
        if self.in_head and self.head_bytes > self._max_head_bytes:
            self._is_over = True
            raise Refused(431, _TOO_LARGE)
        if is_between and not offered_at:
            self._remember(data)

    def close(self) -> None:
        """Let the parser go: it and this object refer to each other. Nothing is fed hereafter."""
        self._is_over = True
        self._known = None
        del self._parser, self._taker

    def on_message_begin(self) -> None:
        """Begin a head."""
        if self._is_over:
            raise Refused(400, _NOT_HTTP)
        if not self.head_bytes:  # it begins in what was read with the request before it
            self.head_bytes, self._began_within = 1, True
        self._url = b""
        self._headers = []
        self._has_chunks = self._expects_continue = False

    def on_url(self, url: bytes) -> None:
        """Take the target, or a part of it."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; of trailers nothing is kept, and no more than of headers is read."""
        if not self.in_head:
            self._trailer_bytes += len(name) + len(value)
            if self._trailer_bytes > self._max_head_bytes:
                raise Refused(400, "The trailer is too large.")
            return
        name = name.lower()
        self._headers.append((name, value))
        if name in _WATCHED:
            self._note(name, value.strip().lower())

    def on_headers_complete(self) -> None:
        """End the head."""
        if self._size() > self._max_head_bytes:
            raise Refused(431, _TOO_LARGE)
        parser = self._parser
        method = parser.get_method()
        if method == b"CONNECT":
            raise Refused(405, "There are no tunnels here.")
        if parser.should_upgrade():
            self._is_offer = True
            return
        self.in_head = False
        self.head_bytes = self._trailer_bytes = 0
        self._began_within = False
        version = parser.get_http_version()
        if version not in _VERSIONS:
            raise Refused(505, "Use HTTP/1.1.")
        is_old = version != "1.1"
        if is_old and self._has_chunks:
            raise Refused(400, _NOT_HTTP)
        path, query = _path_and_query(self._url)
        self._is_last = is_old or not parser.should_keep_alive()
        self._body_bytes = 0
        scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "method": method.decode("ascii"),
            "scheme": "http",
            "path": unquote(path.decode("ascii")) if b"%" in path else path.decode("ascii"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": self._headers,
        }
        expects_continue = self._expects_continue and not is_old
        self._head = Head(scope, is_old, self._is_last, expects_continue)
        self._taker.take_head(self._head)

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._body_bytes += len(piece)
        self._taker.take_piece(piece)

    def on_message_complete(self) -> None:
        """End the request; after the last one nothing more is read."""
        if self._is_offer:
            return  # it has not begun
        self.in_head = True
        self._is_over = self._is_last
        self._taker.take_end()

    def _remember(self, data: bytes) -> None:
        """Remember the head of the request that has ended with what was read."""
        if self._head is not None and self.in_head and not self.head_bytes:
            self._known = known(data, self._head, self._body_bytes) or self._known

    def _read_again(self, known: Known, data: bytes) -> None:
        """Tell of a request whose head is known."""
        try:
            self._taker.take_whole(known.head, data[len(known.text) :])
        except Refused:
            self._is_over = True
            raise

    def _read_without_offers(self, data: bytes, at: int) -> None:
        """Read on as if nobody had offered another protocol.

        llhttp takes what follows such a head for that protocol's, and hands it back unread. But
        some who make the offer send a request's body behind it: the HTTP client of Java does.
        """
        rest = memoryview(data)
        while True:
            rest = rest[at:]
            version = self._parser.get_http_version().encode()
            lines = [b"%b %b HTTP/%b" % (self._parser.get_method(), self._url, version)]
            lines += [b"%b: %b" % line for line in self._headers if line[0] != b"upgrade"]
            self._is_offer = False
            self._parser = HttpRequestParser(self)
            self._parser.feed_data(b"\r\n".join(lines) + b"\r\n\r\n")
            try:
                self._parser.feed_data(rest)
            except HttpParserUpgrade as another:
                at = another.args[0]
            else:
                return

    def _is_deaf(self) -> bool:
        """Tell what `_is_over` says by now: llhttp's calls may have changed it."""
        return self._is_over

    def _note(self, name: bytes, value: bytes) -> None:
        if name == b"transfer-encoding":
            if value != b"chunked":
                raise Refused(501, "The only transfer encoding that is known here is chunked.")
            self._has_chunks = True
        else:
            self._expects_continue = value == b"100-continue"

    def _size(self) -> int:
        """Measure a whole head, unless all that was read since the last one is not too much."""
        if self.head_bytes <= self._max_head_bytes and not self._began_within:
            return 0
        return len(self._url) + sum(len(name) + len(value) + 4 for name, value in self._headers)


def _path_and_query(target: bytes) -> tuple[bytes, bytes]:
    """Take a request target apart, as it stands on the request line."""
    if b"#" in target:
        raise Refused(400, _NOT_HTTP)
    if not target.startswith(b"/"):
        try:
            url = parse_url(target)
        except HttpParserInvalidURLError:
            raise Refused(400, _NOT_HTTP) from None
        return url.path or b"/", url.query or b""
    path, _, query = target.partition(b"?")
    return path, query
