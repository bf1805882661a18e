"""The descriptions of our APIs, for documentation."""

from typing import Any

from fastapi import FastAPI

from dragoman.dialects.anam.routes import application as anam
from dragoman.dialects.dragoman.routes import application as dragoman


def applications() -> dict[str, FastAPI]:
    """Give each registry dialect's routes, by its prefix; they can be looked at, not called."""
    nothing: Any = None
    return {"/anam": anam(nothing), "/api": dragoman(nothing)}


def openapi() -> dict[str, dict[str, Any]]:
    """Give each registry dialect's OpenAPI description; nothing in it needs a running server."""
    found = applications()
    return {"anam": found["/anam"].openapi(), "dragoman": found["/api"].openapi()}
