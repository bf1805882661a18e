"""A tunnel through the operator's proxy: one CONNECT, and nothing of its answer left over."""

import re

from dragoman.domain.egress_proxy import SETTING, EgressProxy
from dragoman.domain.errors import ProxyFailed, Stage, UpstreamUnreachable
from dragoman.domain.url import Origin
from dragoman.upstream.address import literal
from dragoman.upstream.dial import Line

MAX_HEAD_BYTES = 16 * 1024
"""More than any proxy has to say before it lets somebody through [bytes]."""

_END_OF_HEAD = b"\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r\n")
_CREDENTIAL_WANTED = 407


async def dig(line: Line, proxy: EgressProxy, origin: Origin) -> None:
    """Have the proxy at the other end of a line connect it to an origin.

    Raises `ProxyFailed` and `UpstreamUnreachable`; it waits for as long as it is let.
    """
    line.transport.write(_request(proxy, origin))
    status = await _status(line)
    if status == _CREDENTIAL_WANTED:
        raise ProxyFailed(
            f"The proxy of {SETTING} wants a user and a password that it knows (407). Write them "
            "there, as in http://user:password@host:port."
        )
    if not _lets_through(status):
        raise UpstreamUnreachable(
            f"{origin} cannot be reached: the proxy of {SETTING} answered {status}.",
            stage=Stage.PROXY,
        )


def _request(proxy: EgressProxy, origin: Origin) -> bytes:
    """Ask for the host by its name, so that the proxy's own rules for names work.

    An address is written in the one usual way: in another spelling the proxy might take it for a
    different address than the one that was judged here.
    """
    host = str(literal(origin.host) or origin.host.rstrip("."))
    target = (f"[{host}]:{origin.port}" if ":" in host else f"{host}:{origin.port}").encode()
    lines = [b"CONNECT %s HTTP/1.1" % target, b"host: %s" % target]
    if proxy.authorization is not None:
        lines.append(b"proxy-authorization: %s" % proxy.authorization)
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def _status(line: Line) -> int:
    """Read the answer's head and give its status.

    What came behind the head of a consent would be the upstream's, and no upstream speaks before
    it is spoken to: such a tunnel is not used.
    """
    answer = line.received
    while (end := answer.find(_END_OF_HEAD)) < 0 and len(answer) <= MAX_HEAD_BYTES:
        if line.has_ended:
            raise ProxyFailed(f"The proxy of {SETTING} hung up without an answer.")
        await line.more()
    if not 0 <= end <= MAX_HEAD_BYTES - len(_END_OF_HEAD):
        raise ProxyFailed(f"The answer of the proxy of {SETTING} has no end.")
    found = _STATUS_LINE.match(answer)
    if found is None:
        raise ProxyFailed(f"The proxy of {SETTING} does not answer in HTTP.")
    status = int(found[1])
    if _lets_through(status) and len(answer) > end + len(_END_OF_HEAD):
        raise ProxyFailed(f"The proxy of {SETTING} sent more than its consent.")
    answer.clear()
    return status


def _lets_through(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004  # HTTP's classes of status are known by number
