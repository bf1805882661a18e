"""Responses as they may come over the wire, with what they mean."""

from typing import NamedTuple

from tests.upstream.calling import answer, chunked

OK = b"HTTP/1.1 200 OK\r\n"
SECRET = b"sk-planted-in-the-answer"


class Whole(NamedTuple):
    """A response that is complete without the end of its connection."""

    wire: bytes
    status: int
    body: bytes
    reusable: bool = True


WHOLE = [
    Whole(answer(b"hello"), 200, b"hello"),
    Whole(answer(b""), 200, b""),
    Whole(chunked(b"hel", b"lo"), 200, b"hello"),
    Whole(chunked(), 200, b""),
    Whole(
        OK + b"Transfer-Encoding: Chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\nx-late: 1\r\n\r\n",
        200,
        b"hello",
    ),
    Whole(answer(b"no", status=b"404 Not Found"), 404, b"no"),
    Whole(answer(b"", status=b"307 Temporary Redirect"), 307, b""),
    Whole(answer(b"", status=b"599 "), 599, b""),
    Whole(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    Whole(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", 204, b""),
    Whole(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304, b""),
    Whole(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"hello"), 200, b"hello"),
    Whole(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 3 + chunked(b"hi"), 200, b"hi"),
    Whole(b"\r\n" + answer(b"hello"), 200, b"hello"),
    Whole(answer(b"bye", headers=b"connection: close\r\n"), 200, b"bye", reusable=False),
    Whole(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", 200, b"hi", reusable=False),
    Whole(answer(b"hello") + b"x", 200, b"hello", reusable=False),
    Whole(answer(b"hello") + answer(SECRET), 200, b"hello", reusable=False),
    Whole(chunked(b"hello") + chunked(SECRET), 200, b"hello", reusable=False),
    Whole(
        b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n" + SECRET, 204, b"", reusable=False
    ),
    Whole(answer(b"bye", headers=b"connection: close\r\n") + SECRET, 200, b"bye", reusable=False),
]

BROKEN = {
    "not HTTP": b"SSH-2.0-" + SECRET + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\n",
    "no version": b"200 OK\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 99 Low\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 High\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Zero\r\ncontent-length: 0\r\n\r\n",
    "status 600": b"HTTP/1.1 600 High\r\ncontent-length: 0\r\n\r\n",
    "101 with Upgrade": b"HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n" + SECRET,
    "101 without Upgrade": b"HTTP/1.1 101 S\r\n\r\n",
    "lines that end in LF": b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    "a folded header": OK + b"x: 1\r\n " + SECRET + b"\r\ncontent-length: 0\r\n\r\n",
    "a space before the colon": OK + b"content-length : 0\r\n\r\n",
    "a NUL in a header": OK + b"x: " + SECRET + b"\0\r\ncontent-length: 0\r\n\r\n",
    "two lengths": OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nabc",
    "a length that is no number": OK + b"content-length: +2\r\n\r\nab",
    "a length beyond all numbers": OK + b"content-length: 99999999999999999999\r\n\r\nab",
    "chunked, then a length": OK
    + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "a length, then chunked": OK
    + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "gzip as transfer encoding": OK + b"transfer-encoding: gzip\r\n\r\n" + SECRET,
    "gzip, then chunked": OK + b"transfer-encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "chunked, then gzip": OK + b"transfer-encoding: chunked, gzip\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "nearly chunked": OK + b"transfer-encoding: xchunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "a chunk size that is no number": OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nab",
    "a chunk longer than said": OK + b"transfer-encoding: chunked\r\n\r\n2\r\n" + SECRET,
    "a head that is too long": OK + b"x: 1\r\n" * 12_000 + b"content-length: 0\r\n\r\n",
    "a header that is too long": OK + b"x: " + b"y" * 70_000 + b"\r\ncontent-length: 0\r\n\r\n",
    "a header that never ends": OK + b"x: " + b"y" * 1_000_000,
    "trailers that never end": chunked(b"hi")[:-2] + b"x: " + b"y" * 1_000_000,
    "a chunk extension that never ends": chunked(b"hi")[:-5] + b"0;" + b"y" * 1_000_000,
    "interim answers that never end": b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n" * 10_000,
    "silence": b"",
    "half a status line": b"HTTP/1.1 20",
    "half a head": OK + b"x: " + SECRET,
    "half a body": OK + b"content-length: 100\r\n\r\n" + SECRET,
    "no last chunk": OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n",
    "half a last chunk": OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n",
    "only an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
}
"""What ends in `UpstreamBroken`, the latest when the upstream closes behind it."""
