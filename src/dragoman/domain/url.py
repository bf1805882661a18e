"""URLs of endpoints: kept as they were written, taken apart without loss, compared by origin."""

from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443}

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
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    return _part_problem(parts, port)


def _part_problem(parts: SplitResult, port: int | None) -> str | None:
    if parts.scheme.lower() not in DEFAULT_PORTS:
        return "must begin with https:// or http://"
    if "@" in parts.netloc:
        return "must not contain a user name or password; send the secret in its own member"
    if parts.fragment:
        return "must not contain a fragment (#…)"
    if not parts.hostname or ascii_host(parts.hostname) is None:
        return "must name a host"
    if port == 0:
        return "must not name port 0"
    if "\\" in parts.netloc or not parts.path.isascii() or not parts.query.isascii():
        return "must be ASCII after the host; percent-encode what is not"
    return None


def ascii_host(host: str) -> str | None:
    """Give a host's lower-case ASCII form (IDNA), or None where it has none."""
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None


def origin(url: str) -> str:
    """Give a valid URL's origin as text, for comparing."""
    return str(parse_origin(url))


def parse_origin(url: str) -> Origin:
    """Give a valid URL's origin. The caller has made sure that `url_problem(url)` is None."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    host = ascii_host(parts.hostname or "")
    if host is None:
        raise ValueError("the URL names no host")
    return Origin(scheme, host, parts.port or DEFAULT_PORTS[scheme])


def request_target(url: str) -> str:
    """Give what stands on the request line for a valid URL: its path and query as written."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
