"""One response, taken apart as its bytes come. No I/O: bytes in, head and body out."""

from httptools import HttpParserCallbackError, HttpParserError, HttpResponseParser

from dragoman.domain.ports import Headers

LENGTH_DIGITS_LIMIT = 18
"""The longest Content-Length that is believed; llhttp takes up to 2^64 - 1 [digits]."""

HEAD_LIMIT = 64 * 1024
"""The longest head, trailer or run of chunk headers without a byte of body [bytes]."""


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
        "_parser",
        "_pieces",
        "begun",
        "complete",
        "headers",
        "held",
        "reusable",
        "status",
    )

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.begun = False
        """Whether the head is there."""
        self.complete = False
        """Whether the last byte of the body is there."""
        self.reusable = False
        """Whether, after a complete answer, the connection may carry another one."""
        self.held = 0
        """How much of the body is waiting to be taken [bytes]."""
        self._pieces: list[bytes] = []
        self._bodiless = 0
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

        httptools does not tell where a body without a length ends: it ends here.
        """
        if not self.begun:
            raise AnswerBroken("it hung up before it had answered")
        if any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers):
            raise AnswerBroken("the answer was cut short")
        self.complete = True

    def take(self) -> bytes:
        """Give all of the body that is waiting."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.held = 0
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
            return  # a trailer: nobody asked for it
        name = name.lower()
        if name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise AnswerBroken("its transfer encoding is not chunked")
        if name == b"content-length" and len(value) > LENGTH_DIGITS_LIMIT:
            raise AnswerBroken("its length is not a number that can be meant")
        self.headers.append((name, value.rstrip()))  # httptools leaves the spaces at the end

    def on_headers_complete(self) -> None:
        """Begin the answer, unless this head is an interim one."""
        if self._bodiless > HEAD_LIMIT and _size(self.headers) > HEAD_LIMIT:
            raise AnswerBroken("its head is too long")
        status = self._parser.get_status_code()
        if 200 <= status <= 599:  # noqa: PLR2004
            self.status = status
            self.begun = True
        elif 100 <= status <= 199 and status != 101:  # noqa: PLR2004
            self.headers.clear()  # an interim answer, as 100 Continue; the real one follows
        else:
            raise AnswerBroken("its status is not one that may be answered")

    def on_body(self, data: bytes) -> None:
        """Keep one piece of the body."""
        self._bodiless = 0
        self._pieces.append(data)
        self.held += len(data)

    def on_message_complete(self) -> None:
        """End the answer, unless this was an interim one."""
        if self.begun:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()


def _size(headers: Headers) -> int:
    return sum(len(name) + len(b": \r\n") + len(value) for name, value in headers)


def _reason(error: HttpParserError) -> str:
    """Say why parsing ended: in our words, or llhttp's, which are fixed texts."""
    ours = error.__context__
    if isinstance(error, HttpParserCallbackError) and isinstance(ours, AnswerBroken):
        return str(ours)
    return f"the answer is not HTTP ({error})"
