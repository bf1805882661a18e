"""Reading a body and writing an answer over plain ASGI."""

import asyncio
from collections.abc import Iterable

import msgspec

from dragoman.dialect.record import Receive, Rendered, Send
from dragoman.domain.errors import TooLarge, UnsupportedMediaType
from dragoman.domain.ports import Headers

DRAINED_BYTES = 8 * 1024 * 1024
DRAINED_S = 1.0
MAX_LENGTH_DIGITS = 18
"""Of an announced length this much is read; what is longer is too large all the same."""


class CallerGone(Exception):
    """The caller went away before the request was whole."""


async def refuse_announced(receive: Receive, headers: Headers, max_bytes: int) -> None:
    """Refuse a body that says it is too large, before anything else is looked at.

    Raises TooLarge, CallerGone. What is too large is read on for a moment and dropped: a caller
    that is still sending would otherwise see its connection reset before it sees the answer.
    """
    for name, value in headers:
        is_length = name == b"content-length" and value.isdigit()
        if is_length and int(value[:MAX_LENGTH_DIGITS]) > max_bytes:
            await _drain(receive)
            raise _too_large(max_bytes)


def within(body: bytes, max_bytes: int) -> bytes:
    """Give a body that is all there. Raises TooLarge."""
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


async def read_body(receive: Receive, max_bytes: int) -> bytes:
    """Read a request's body. Raises TooLarge, CallerGone."""
    piece, more = await _next_piece(receive)
    if not more and len(piece) <= max_bytes:
        return piece  # nearly every request
    read_bytes, pieces = len(piece), [piece]
    while more and read_bytes <= max_bytes:
        piece, more = await _next_piece(receive)
        read_bytes += len(piece)
        pieces.append(piece)
    if read_bytes > max_bytes:
        if more:
            await _drain(receive)
        raise _too_large(max_bytes)
    return b"".join(pieces)


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"The body is larger than {max_bytes} bytes.")


JSON = frozenset({b"application/json"})
JSON_OR_PATCH = JSON | {b"application/merge-patch+json"}
"""What the body of a PATCH may be (RFC 7396)."""


def require_json(headers: Headers, media_types: frozenset[bytes] = JSON) -> None:
    """Check that a body says it is JSON. Raises UnsupportedMediaType."""
    for name, value in headers:
        if name == b"content-type":
            if value.partition(b";")[0].strip().lower() in media_types:
                return
            break
    raise UnsupportedMediaType("Send the body as 'Content-Type: application/json'.")


async def send_json(
    send: Send,
    status: int,
    body: object,
    headers: Iterable[tuple[str, str]] = (),
    content_type: str = "application/json",
) -> None:
    """Write a whole answer."""
    encoded = msgspec.json.encode(body)
    lines = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(encoded)).encode()),
        *((name.encode(), value.encode("latin-1")) for name, value in headers),
    ]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": encoded})


async def send_rendered(send: Send, rendered: Rendered, request_id: str) -> None:
    """Write a failure."""
    said = rendered.named(request_id)
    headers = (*said.headers, ("x-request-id", request_id))
    await send_json(send, said.status, said.body, headers, said.content_type)


async def _next_piece(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise CallerGone
    return message.get("body", b""), message.get("more_body", False)


async def _drain(receive: Receive) -> None:
    left, more = DRAINED_BYTES, True
    try:
        async with asyncio.timeout(DRAINED_S):
            while more and left > 0:
                piece, more = await _next_piece(receive)
                left -= len(piece)
    except TimeoutError:
        pass
