"""The descriptions of our APIs, for documentation."""

from typing import Any

from dragoman.dialects.anam.routes import application as anam


def openapi() -> dict[str, dict[str, Any]]:
    """Give each registry dialect's OpenAPI description; nothing in it needs a running server."""
    nothing: Any = None
    return {"anam": anam(nothing).openapi()}
