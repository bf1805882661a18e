"""How the bytes of an answer are written, so that its end can be told from a cut."""

import http
from enum import Enum

from dragoman.domain.ports import Headers

BODILESS = frozenset({204, 304})

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b" % (status, status.phrase.encode()) for status in http.HTTPStatus
}


class Framing(Enum):
    """What tells a caller where an answer ends."""

    LENGTH = 1
    """Its Content-Length."""
    CHUNKS = 2
    """The last chunk."""
    CLOSE = 3
    """The end of the connection, so that only a reset tells a cut from it."""
    NOTHING = 4
    """It has no body: it ends with its head."""


class BrokenAnswer(Exception):
    """An answer of ours is not HTTP; the text says why, and quotes nothing of it."""


def framing_of(
    status: int, headers: Headers, *, is_head: bool, is_old: bool
) -> tuple[Framing, int]:
    """Choose how the answer's end is told, and give its length where that is known [bytes].

    `is_old` says that the caller speaks HTTP/1.0, which has no chunks.
    """
    if is_head or status in BODILESS:
        return Framing.NOTHING, 0
    for name, value in headers:
        if name == b"content-length":
            return Framing.LENGTH, int(value)
    return (Framing.CLOSE if is_old else Framing.CHUNKS), 0


def encode_head(status: int, headers: Headers, framing: Framing, tail: bytes) -> bytes:
    """Write an answer's head; `tail` are whole lines that stand last in it.

    Raises BrokenAnswer if a value would change the message: the last place that can see it.
    """
    status_line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status
    head = b"\r\n".join([status_line, *map(b": ".join, headers), b""])
    lines = len(headers) + 1
    # `find`, because `in` takes longer: it tries for a number first
    if head.count(b"\n") != lines or head.count(b"\r") != lines or head.find(b"\0") >= 0:
        raise BrokenAnswer("a header of the answer holds a control character")
    if framing is Framing.CHUNKS:
        return head + b"transfer-encoding: chunked\r\n" + tail
    return head + tail


LARGE_BYTES = 32 * 1024
"""What is longer is not copied: for a caller that reads slowly, the copy would stay [bytes]."""


def encode_large_piece(piece: bytes, framing: Framing, *, is_last: bool) -> tuple[bytes, ...]:
    """Write a large piece of the body as parts, of which it is one itself."""
    if framing is not Framing.CHUNKS:
        return (encode_piece(piece, framing, is_last=is_last),)
    return b"%x\r\n" % len(piece), piece, b"\r\n0\r\n\r\n" if is_last else b"\r\n"


def encode_piece(piece: bytes, framing: Framing, *, is_last: bool) -> bytes:
    """Write a piece of the body. A piece may be empty; the last one ends what has an end."""
    if framing is not Framing.CHUNKS:
        return b"" if framing is Framing.NOTHING else piece
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
    return chunk + b"0\r\n\r\n" if is_last else chunk
