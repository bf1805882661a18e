"""One response, taken apart as its bytes come. No I/O: bytes in, head and body out."""

from typing import NamedTuple

from httptools import HttpParserCallbackError, HttpParserError, HttpResponseParser

from dragoman.domain.ports import Headers
from dragoman.upstream.lines import Lines

HEAD_LIMIT = 64 * 1024
"""The longest head, trailer or run of chunk headers without a byte of body [bytes]."""

HEADER_LINES_LIMIT = 256
"""The most header lines of one head; those of large vendors have some forty."""

INTERIM_LIMIT = 100
"""The most interim answers before the real one: a server may send one every few seconds (102) to
say that it is still at work."""

VERSIONS = frozenset({"1.0", "1.1"})

FRAMING = frozenset({b"content-length", b"transfer-encoding"})
"""Headers that say where a message ends."""

HEEDED = FRAMING | {b"content-type"}

EVENT_STREAM = b"text/event-stream"


class AnswerLimits(NamedTuple):
    """How much one answer may be; an operator's to set [bytes]."""

    answer: int = 256 * 1024 * 1024
    """The body, in all."""
    line: int = 8 * 1024 * 1024
    """One line of an event stream. An image comes in one, in base64."""


class AnswerBroken(Exception):
    """What came is not a whole HTTP response; the text says why, and quotes nothing of it."""


class Answer:
    """The response of one exchange, with a parser of its own.

    What is parsed here can reach nobody but the owner of this object: not the parser, not the
    body and not the head outlive the exchange or belong to the connection. The names that begin
    with `on_` are called by httptools, from inside `feed`.
    """

    __slots__ = (
        "_bodiless",
        "_interim",
        "_limits",
        "_lines",
        "_parser",
        "_pieces",
        "_room",
        "begun",
        "complete",
        "headers",
        "held",
        "reusable",
        "status",
        "untouched",
    )

    def __init__(self, limits: AnswerLimits) -> None:
        self.status = 0
        self.headers: Headers = []
        self.begun = False
        """Whether the head is there."""
        self.complete = False
        """Whether the last byte of the body is there."""
        self.reusable = False
        """Whether, after a complete answer, the connection may carry another one."""
        self.untouched = True
        """Whether nothing of the body has been taken."""
        self.held = 0
        """How much of the body is waiting to be taken [bytes]."""
        self._pieces: list[bytes] = []
        self._limits = limits
        self._room = limits.answer
        self._lines: Lines | None = None
        self._bodiless = 0
        self._interim = 0
        self._parser = HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take in what came from the upstream; raises `AnswerBroken`."""
        self._bodiless += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            if not self.complete:
                raise AnswerBroken(_reason(error)) from None
            self.reusable = False  # something came behind the answer
        if self._bodiless > HEAD_LIMIT and not self.complete:
            raise AnswerBroken("its head is too long")

    def end(self) -> None:
        """Take in that the upstream has closed in good order; raises `AnswerBroken`.

        httptools does not tell where a body without a length ends: it ends here. The end of a
        server that died looks like this too, so that a stream of events has to end with a line.
        """
        if not self.begun:
            raise AnswerBroken("it hung up before it had answered")
        if any(name in FRAMING for name, _ in self.headers):
            raise AnswerBroken("the answer was cut short")
        if self._lines is not None and self._lines.unended:
            raise AnswerBroken("its event stream ended within a line")
        self.complete = True

    def take(self) -> bytes:
        """Give all of the body that is waiting."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.held = 0
        self.untouched = False
        return data

    def close(self) -> None:
        """Let the parser go: it and this object refer to each other. Nothing is fed hereafter."""
        del self._parser

    def on_message_begin(self) -> None:
        """Refuse a second answer."""
        if self.complete:
            raise AnswerBroken("a second answer came")  # which `feed` takes as "not reusable"

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header line."""
        if self.begun:
            if name.lower() in FRAMING:
                raise AnswerBroken("its trailer would frame a message")
            return  # any other trailer: nobody asked for it
        name = name.lower()
        if name in HEEDED:
            self._heed(name, value)
        self.headers.append((name, value.rstrip()))  # httptools leaves the spaces at the end

    def on_headers_complete(self) -> None:
        """Begin the answer, unless this head is an interim one."""
        if self._bodiless > HEAD_LIMIT and _size(self.headers) > HEAD_LIMIT:
            raise AnswerBroken("its head is too long")
        if len(self.headers) > HEADER_LINES_LIMIT:
            raise AnswerBroken(f"its head has more than {HEADER_LINES_LIMIT} lines")
        if self._parser.get_http_version() not in VERSIONS:
            raise AnswerBroken("its version of HTTP is not 1.1")
        status = self._parser.get_status_code()
        if 200 <= status <= 599:  # noqa: PLR2004
            self.status = status
            self.begun = True
        elif 100 <= status <= 199 and status != 101:  # noqa: PLR2004
            self._skip_interim()
        else:
            raise AnswerBroken("its status is not one that may be answered")

    def on_body(self, data: bytes) -> None:
        """Keep one piece of the body."""
        size = len(data)
        self._bodiless = 0
        self._room -= size
        if self._room < 0:
            raise self._too_large()
        if self._lines is not None and not self._lines.measure(data):
            raise AnswerBroken(
                f"a line of its event stream is longer than {self._limits.line} bytes "
                "(DRAGOMAN_UPSTREAM_LINE_MAX_BYTES)"
            )
        self._pieces.append(data)
        self.held += size

    def on_message_complete(self) -> None:
        """End the answer, unless this was an interim one."""
        if self.begun:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()

    def _heed(self, name: bytes, value: bytes) -> None:
        """Act on a header that says how the body is to be read."""
        if name == b"transfer-encoding":
            told_before = any(known == name for known, _ in self.headers)
            if told_before or value.strip().lower() != b"chunked":
                raise AnswerBroken("its transfer encoding is not chunked")
        elif name == b"content-length":
            if int(value) > self._limits.answer:  # llhttp has seen that it is digits
                raise self._too_large()
        elif value.lower().startswith(EVENT_STREAM):
            self._lines = Lines(self._limits.line)

    def _skip_interim(self) -> None:
        """Forget an interim answer, as 100 Continue; the real one follows."""
        self._interim += 1
        if self._interim > INTERIM_LIMIT:
            raise AnswerBroken(f"it sent more than {INTERIM_LIMIT} interim answers")
        self.headers.clear()
        self._lines = None

    def _too_large(self) -> AnswerBroken:
        return AnswerBroken(
            f"the answer is longer than {self._limits.answer} bytes "
            "(DRAGOMAN_UPSTREAM_ANSWER_MAX_BYTES)"
        )


def _size(headers: Headers) -> int:
    return sum(len(name) + len(b": \r\n") + len(value) for name, value in headers)


def _reason(error: HttpParserError) -> str:
    """Say why parsing ended: in our words, or llhttp's, which are fixed texts."""
    ours = error.__context__
    if isinstance(error, HttpParserCallbackError) and isinstance(ours, AnswerBroken):
        return str(ours)
    return f"the answer is not HTTP ({error})"
