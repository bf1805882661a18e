"""URLs of endpoints: kept as they were written, taken apart without loss, compared by origin."""

import re
from ipaddress import IPv6Address
from typing import NamedTuple

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65535
MAX_HOST_LENGTH = 253

_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9a-f:.]+(?:%25[\w.-]+)?\]|[^\[\]:\\]+)(?::(?P<port>[0-9]{0,5}))?",
    re.ASCII | re.IGNORECASE,
)
_HOST_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?", re.ASCII)

KNOWN_SUFFIXES = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/embeddings",
    "/messages",
    "/realtime",
)
"""How the paths of the known wire formats end; a longer one stands before one it ends with."""


class Origin(NamedTuple):
    """The part of a URL that decides who receives a request."""

    scheme: str
    host: str
    """Lower-case ASCII; an IPv6 address without its brackets."""
    port: int

    def __str__(self) -> str:
        """Write it with its port, always, so that equal origins are equal texts."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class Endpoint(Struct, frozen=True, gc=False):
    """One address of an LLM; `base_url + path` is the text that was registered."""

    base_url: str
    path: str
    region: str | None = None

    @classmethod
    def parse(cls, url: str, region: str | None = None) -> "Endpoint":
        """Take a full URL apart. The caller has made sure that `url_problem(url)` is None."""
        base_url, path = split(url)
        return cls(base_url, path, region)

    @property
    def url(self) -> str:
        """The full URL, as it was written."""
        return self.base_url + self.path


def split(url: str) -> tuple[str, str]:
    """Split a full URL into a base and a path that join to exactly the same text.

    The path begins at a known wire format's suffix where the URL's path ends with one, else at
    its last segment. A query belongs to the path. A URL without a path has an empty one.
    """
    body, mark, query = url.partition("?")
    start = body.find("/", body.find("://") + len("://"))
    if start < 0:
        return body, mark + query
    trimmed = body.rstrip("/")
    cut = max(trimmed.rfind("/"), start)
    for suffix in KNOWN_SUFFIXES:
        if trimmed.endswith(suffix) and len(trimmed) - len(suffix) >= start:
            cut = len(trimmed) - len(suffix)
            break
    return url[:cut], url[cut:]


def url_problem(url: str) -> str | None:
    """Say why this text cannot be an endpoint's URL, or None if it can."""
    if any(character <= " " or character == "\x7f" for character in url):
        return "must not contain spaces or control characters"
    parts = _take_apart(url)
    if parts.scheme not in DEFAULT_PORTS:
        return "must begin with https:// or http://"
    if "@" in parts.authority:
        return "must not contain a user name or password; send the secret in its own member"
    if "#" in url:
        return "must not contain a fragment (#…)"
    if not parts.rest.isascii():
        return "must be ASCII after the host; percent-encode what is not"
    return _authority_problem(parts.authority)


def _authority_problem(authority: str) -> str | None:
    if not authority or authority.startswith(":"):
        return "must name a host"
    found = _AUTHORITY.fullmatch(authority)
    if found is None or int(found["port"] or 1) > MAX_PORT:
        return "is not a URL"
    if found["port"] and int(found["port"]) == 0:
        return "must not name port 0"
    if ascii_host(found["host"]) is None:
        return "is not a URL" if authority.startswith("[") else "must name a host"
    return None


def ascii_host(host: str) -> str | None:
    """Give a host's lower-case ASCII form (IDNA), without brackets; None where it is no host."""
    if host.startswith("["):
        return _ipv6_text(host.strip("[]"))
    try:
        name = host.lower() if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return name if _HOST_NAME.fullmatch(name) and len(name) <= MAX_HOST_LENGTH else None


def _ipv6_text(host: str) -> str | None:
    """Write an IPv6 address in one way; Python's own way for mapped ones changed in 3.13."""
    try:
        address = IPv6Address(host)
    except ValueError:
        return None
    if address.ipv4_mapped is None:
        return address.compressed
    low = int(address.ipv4_mapped)
    return f"::ffff:{low >> 16:x}:{low & 0xFFFF:x}"


def origin(url: str) -> str:
    """Give a valid URL's origin as text, for comparing."""
    return str(parse_origin(url))


def parse_origin(url: str) -> Origin:
    """Give a valid URL's origin; raises ValueError where it has none."""
    parts = _take_apart(url)
    found = _AUTHORITY.fullmatch(parts.authority)
    host = ascii_host(found["host"]) if found else None
    if found is None or host is None:
        raise ValueError("the URL names no host")
    return Origin(parts.scheme, host, int(found["port"] or DEFAULT_PORTS[parts.scheme]))


def request_target(url: str) -> str:
    """Give what stands on the request line for a valid URL: its path and query as written."""
    rest = _take_apart(url).rest
    return rest if rest.startswith("/") else f"/{rest}"


def canonical_url(url: str) -> str:
    """Write a valid URL in the one way that equal URLs share, for comparing only.

    Scheme and host in lower case and ASCII, no default port, no slash at the end of the path;
    the path's case and the query stay. Doing it twice changes nothing.
    """
    found = parse_origin(url)
    path, mark, query = _take_apart(url).rest.partition("?")
    host = f"[{found.host}]" if ":" in found.host else found.host
    port = "" if found.port == DEFAULT_PORTS[found.scheme] else f":{found.port}"
    return f"{found.scheme}://{host}{port}{path.rstrip('/')}{mark}{query}"


class _Parts(NamedTuple):
    scheme: str
    authority: str
    rest: str
    """Path, query and fragment, as written."""


def _take_apart(url: str) -> _Parts:
    """Split where RFC 3986 does; what stands there may still be none of it."""
    scheme, mark, after = url.partition("://")
    if not mark:
        scheme, mark, after = url.partition(":")
        return _Parts(scheme.lower() if mark else "", "", after)
    end = min((at for at in map(after.find, "/?#") if at >= 0), default=len(after))
    return _Parts(scheme.lower(), after[:end], after[end:])
