"""The descriptions of our APIs, for documentation."""

from typing import Any

from fastapi import FastAPI

from dragoman.dialects.anam.routes import application as anam
from dragoman.dialects.dragoman.routes import application as dragoman
from dragoman.dialects.goodmem.routes import application as goodmem


def applications() -> dict[str, FastAPI]:
    """Give each registry dialect's routes, by its prefix; they can be looked at, not called."""
    nothing: Any = None
    return {
        "/anam": anam(nothing),
        "/goodmem": goodmem(nothing, nothing),
        "/api": dragoman(nothing),
    }


def openapi() -> dict[str, dict[str, Any]]:
    """Give each registry dialect's OpenAPI description; nothing in it needs a running server."""
    found = applications()
    names = {"/anam": "anam", "/goodmem": "goodmem", "/api": "dragoman"}
    return {name: found[prefix].openapi() for prefix, name in names.items()}
