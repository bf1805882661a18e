"""The descriptions of our APIs, for documentation."""

from typing import Any, cast

from dragoman.dialects.anam.routes import application as anam
from dragoman.registry.llms import LLMs


def openapi() -> dict[str, dict[str, Any]]:
    """Give each registry dialect's OpenAPI description; nothing in it needs a running server."""
    no_llms = cast("LLMs", None)
    return {"anam": anam(no_llms).openapi()}
