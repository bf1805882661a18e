"""Pieces of answers, as they go over the wire."""

JSON = b"content-type: application/json\r\n"
EVENTS = b"content-type: text/event-stream\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


def head(status: bytes, *lines: bytes) -> bytes:
    """Write a head; lines come with their ends."""
    return b"HTTP/1.1 %s\r\n%s\r\n" % (status, b"".join(lines))


def length(size: int) -> bytes:
    """Write a Content-Length."""
    return b"content-length: %d\r\n" % size


def plain(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """Write a whole answer with a length."""
    return head(status, length(len(body)), *lines) + body


def chunk(data: bytes) -> bytes:
    """Write one chunk; without data it is the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM = head(b"200 OK", EVENTS, CHUNKED)
LAST_CHUNK = chunk(b"")
