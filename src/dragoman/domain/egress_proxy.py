"""The operator's proxy: the one way out of networks that have one."""

import re
from base64 import b64encode
from urllib.parse import unquote

from msgspec import Struct

from dragoman.domain.url import MAX_PORT, ascii_host

SETTING = "DRAGOMAN_EGRESS_PROXY"

_SHAPE = re.compile(
    r"http://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^:@/?#]*))?@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]:@/?#\\]+):(?P<port>[0-9]{1,5})/?",
    re.ASCII | re.IGNORECASE,
)


class EgressProxy(Struct, frozen=True):
    """A proxy that is asked, by CONNECT, for a tunnel to an upstream."""

    host: str
    """Lower-case ASCII; an IPv6 address without its brackets."""
    port: int
    authorization: bytes | None = None
    """The value of Proxy-Authorization, which holds a password."""

    def __repr__(self) -> str:
        """Show everything but the password."""
        known = ... if self.authorization else None
        return f"EgressProxy(host={self.host!r}, port={self.port}, authorization={known})"


def parse_egress_proxy(url: str) -> EgressProxy:
    """Read `http://user:password@host:port`, where user and password may be missing.

    Raises ValueError, in words that follow "DRAGOMAN_EGRESS_PROXY: " and quote nothing of the
    URL, because it may hold a password.
    """
    if not url.lower().startswith("http://"):
        raise ValueError("expected a URL that begins with http://; no other kind of proxy is used")
    found = _SHAPE.fullmatch(url)
    host = ascii_host(found["host"]) if found else None
    if found is None or host is None or not 0 < int(found["port"]) <= MAX_PORT:
        raise ValueError(
            "expected http://host:port or http://user:password@host:port, always with the port, "
            "and with special characters of the user and the password as %40 for '@', %3A for ':' "
            "and %2F for '/'"
        )
    return EgressProxy(host, int(found["port"]), _authorization(found["user"], found["password"]))


def _authorization(user: str | None, password: str | None) -> bytes | None:
    """Write the credential as RFC 7617 does, in UTF-8."""
    if user is None:
        return None
    try:
        name, secret = (unquote(part or "", errors="strict") for part in (user, password))
    except UnicodeDecodeError:
        raise ValueError("the user and the password have to be UTF-8") from None
    if ":" in name or not f"{name}{secret}".isprintable():
        raise ValueError(
            "the user must not hold a colon, and neither user nor password control characters"
        )
    return b"Basic " + b64encode(f"{name}:{secret}".encode())
