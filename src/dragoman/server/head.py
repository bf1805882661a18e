"""Heads of requests, understood; and those that are known when they come again."""

from typing import Any

from msgspec import Struct, field

KNOWN_BYTES = 4 * 1024
"""The longest head that is remembered, for as long as its connection is open [bytes]."""

_END = b"\r\n\r\n"


class Head(Struct, gc=False):
    """The head of a request."""

    scope: dict[str, Any]
    """What ASGI says of it, but for what a connection adds."""
    is_old: bool
    """Whether the caller speaks HTTP/1.0."""
    is_last: bool
    """Whether the caller wants the connection to end with the answer."""
    expects_continue: bool
    kept: dict[Any, Any] = field(default_factory=dict)
    """What an application has made of it; comes again with a head that comes again."""


class Known(Struct, gc=False):
    """A head as it was sent, and what it said."""

    text: bytes
    request_bytes: int
    """How long the request is, with the body that the head announces."""
    head: Head

    def begins(self, data: bytes) -> bool:
        """Tell whether this is a whole request with the same head, and nothing else."""
        return len(data) == self.request_bytes and data.startswith(self.text)


def known(data: bytes, head: Head, body_bytes: int) -> Known | None:
    """Give the head of a request that ends with this data, if it is all there is in it.

    Then what stands behind the head is as long as the body, and no more: no framing of chunks, no
    other request. So it was the head alone that said how long the request is.
    """
    end = data.find(_END) + len(_END)
    if len(data) - end != body_bytes or end > KNOWN_BYTES:
        return None
    return Known(data[:end], len(data), head)
