"""The head of a request, as it goes over the wire."""

from dragoman.domain.errors import Internal
from dragoman.domain.ports import UpstreamRequest
from dragoman.domain.url import DEFAULT_PORTS, Origin

OURS = frozenset(
    {
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers that say where a message goes and where it ends: this package's to decide."""

_BODILESS = frozenset({b"GET", b"DELETE"})


def host_header(origin: Origin) -> bytes:
    """Write the value of Host: the host as it was configured, and its port where it matters."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    if origin.port != DEFAULT_PORTS[origin.scheme]:
        host = f"{host}:{origin.port}"
    return host.encode("ascii")


def encode_head(request: UpstreamRequest, host: bytes) -> bytes:
    """Write a request's head. Raises `Internal` if a value in it would change the message.

    Whoever builds a request has checked its values; this is the last place that can see that a
    line break would have begun another header, or another request with somebody's credential.
    """
    framed = bool(request.body) or request.method not in _BODILESS
    if not OURS.isdisjoint(dict(request.headers)):
        raise Internal("A header that frames the message is not the caller's to set.")
    parts = [b"%b %b HTTP/1.1\r\nhost: %b" % (request.method, request.target, host)]
    parts += [b": ".join(line) for line in request.headers]
    if framed:
        parts.append(b"content-length: %d\r\n\r\n" % len(request.body))
    else:
        parts.append(b"\r\n")
    head = b"\r\n".join(parts)
    lines = len(request.headers) + (4 if framed else 3)
    if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
        raise Internal("A header of the request to the upstream holds a control character.")
    if b" " in request.target:
        raise Internal("The target of the request to the upstream holds a space.")
    return head
