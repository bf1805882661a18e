"""The descriptions of our APIs, for documentation."""

from typing import Any

from dragoman.dialects.anam.routes import application as anam
from dragoman.dialects.dragoman.routes import application as dragoman


def openapi() -> dict[str, dict[str, Any]]:
    """Give each registry dialect's OpenAPI description; nothing in it needs a running server."""
    nothing: Any = None
    return {"anam": anam(nothing).openapi(), "dragoman": dragoman(nothing).openapi()}
