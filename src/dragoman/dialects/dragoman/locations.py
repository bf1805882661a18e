"""Where things of this API are found."""

PREFIX = "/api"
"""Where the whole dialect is mounted."""


def location(noun: str, id_: str) -> str:
    """Write the path of one thing, as the Location header gives it."""
    return f"{PREFIX}/v1/{noun}/{id_}"
