"""The head of a request, as it goes over the wire."""

from dragoman.domain.errors import Internal
from dragoman.domain.header_block import HeaderBlock
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
    first = b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (request.method, request.target, host)
    _check_lines(first, 2)
    if request.target.find(b" ") >= 0:  # `in` takes longer: it tries for a number first
        raise Internal("The target of the request to the upstream holds a space.")
    lines = b"".join([block.written or _written(block) for block in request.headers])
    if request.body or request.method not in _BODILESS:
        return b"%b%bcontent-length: %d\r\n\r\n" % (first, lines, len(request.body))
    return b"%b%b\r\n" % (first, lines)


def _written(block: HeaderBlock) -> bytes:
    """Write header lines, each with its end."""
    if not OURS.isdisjoint(name for name, _ in block.lines):
        raise Internal("A header that frames the message is not the caller's to set.")
    text = b"".join(b"%b: %b\r\n" % line for line in block.lines)
    _check_lines(text, len(block.lines))
    block.written = text
    return text


def _check_lines(text: bytes, lines: int) -> None:
    if text.count(b"\n") != lines or text.count(b"\r") != lines or text.find(b"\0") >= 0:
        raise Internal("A header of the request to the upstream holds a control character.")
