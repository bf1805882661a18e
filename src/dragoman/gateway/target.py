"""An LLM ready to be called: its endpoints taken apart, its credential open."""

from typing import TYPE_CHECKING

from msgspec import Struct

from dragoman.domain.llm import LLM
from dragoman.domain.ports import Headers
from dragoman.domain.url import Endpoint, Origin, parse_origin, request_target
from dragoman.gateway.mask import Hidden
from dragoman.gateway.trace import TraceHosts
from dragoman.protocols.base import WireFormat
from dragoman.vault.secret import Secret

if TYPE_CHECKING:
    from dragoman.domain.header_block import HeaderBlock

LABEL_LENGTH = 64
TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""The characters that may stand in a header without quoting (RFC 9110, section 5.6.2)."""
TOKEN_BYTES = "".join(TOKEN).encode()


class ReadyEndpoint(Struct, frozen=True, gc=False):
    """One endpoint of an LLM, ready to be called."""

    url: str
    region: str | None
    label: str
    """What callers and logs see of it: its region, or its number where it has none."""
    origin: Origin
    request_target: bytes
    takes_trace: bool = False
    """Whether it may be told which trace a call belongs to."""

    @classmethod
    def made(cls, endpoint: Endpoint, number: int, trace_hosts: TraceHosts) -> "ReadyEndpoint":
        """Take an endpoint apart, once and not with every call."""
        url = endpoint.url
        origin = parse_origin(url)
        return cls(
            url=url,
            region=endpoint.region,
            label=_label(endpoint.region) or str(number),
            origin=origin,
            request_target=request_target(url).encode(),
            takes_trace=trace_hosts.trusts(origin.host),
        )


class SecretLines:
    """The header lines of an LLM that carry secrets, ready to be sent; it cannot be printed."""

    __slots__ = ("lines", "names", "sent")

    def __init__(self, lines: Headers) -> None:
        self.lines = lines
        self.names = frozenset(name for name, _ in lines)
        self.sent: HeaderBlock | None = None
        """These and what else goes out with every request, once that has been put together."""

    def __repr__(self) -> str:
        return f"SecretLines({len(self.lines)})"


class Target(Struct, frozen=True):
    """An LLM that may be called, ready to be called."""

    llm: LLM
    endpoints: tuple[ReadyEndpoint, ...]
    """In the order in which they were registered."""
    secret_lines: SecretLines
    """What is sent to every endpoint; made of the secrets below."""
    secret: Secret | None
    headers: tuple[tuple[str, Secret], ...]
    """What is sent beside the credential: names in lower case."""
    hidden: Hidden
    """What no answer may show; made of them too."""
    translated_into: WireFormat | None = None
    """The format of its server; None where that is the caller's, and nothing is translated."""
    good_until_ms: int | None = None
    """When the secret has to be asked for again, where the operator holds it [ms since 1970]."""


def _label(region: str | None) -> str:
    """Write a region, which may be any text, so that it can stand in a header."""
    return "".join(c if c in TOKEN else "_" for c in (region or "")[:LABEL_LENGTH])
