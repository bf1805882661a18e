"""Between GoodMem's `endpointUrl` and `apiPath` and the domain's endpoints. Pure.

An endpoint is called at base URL and path, joined as they are stored. GoodMem's two parts are
joined by one slash, however many are written: it is kept with the base URL that was written.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from dragoman.domain.url import Endpoint, split

DEFAULT_PATH = "/chat/completions"


class Address(NamedTuple):
    """An endpoint as GoodMem writes it."""

    endpoint_url: str
    api_path: str | None


NOWHERE = Address("", None)
"""How an LLM without endpoints is shown: clients want a text there."""


def read(endpoint_url: str, api_path: str | None) -> Endpoint:
    """Join what is sent; a path that is not there or blank is the default one."""
    path = (api_path or "").strip() or DEFAULT_PATH
    if endpoint_url.endswith("/"):
        return Endpoint(endpoint_url, path.removeprefix("/"))
    return Endpoint(endpoint_url, path if path.startswith("/") else f"/{path}")


def shown(endpoints: Sequence[Endpoint]) -> Address:
    """Show the first of some endpoints; its path always begins with a slash."""
    if not endpoints:
        return NOWHERE
    base_url, path = endpoints[0].base_url, endpoints[0].path
    is_ours = path.startswith("/") or (base_url.endswith("/") and path != "")
    if "?" in base_url or not is_ours:
        base_url, path = split(endpoints[0].url)
    return Address(base_url, path if path.startswith("/") else f"/{path}")


def changed(
    endpoints: Sequence[Endpoint], endpoint_url: str | None, api_path: str | None
) -> tuple[Endpoint, ...]:
    """Replace the first of some endpoints by what is sent, and keep the others.

    What is not sent stays; a blank path is the default one. What reads as it is shown is no change.
    """
    before = shown(endpoints)
    base_url = before.endpoint_url if endpoint_url is None else endpoint_url
    path = before.api_path if api_path is None else api_path
    if (base_url, path) == before:
        return tuple(endpoints)
    first = read(base_url, path)
    if shown([first]) == before:
        return tuple(endpoints)
    if endpoints:
        first = replace(first, region=endpoints[0].region)
    return (first, *endpoints[1:])
