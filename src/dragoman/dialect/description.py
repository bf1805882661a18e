"""What every OpenAPI description of a dialect is rid of, and may be completed with."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

Complete = Callable[[dict[str, Any], str, str], None]
"""Completes the description of an operation, given its method and path."""


def describe(app: FastAPI, complete: Complete | None = None) -> None:
    """Have an application describe what it answers with, and not what its framework assumes."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = described()
            for path, item in found["paths"].items():
                for method, operation in item.items():
                    operation["responses"].pop("422", None)  # never answered
                    if complete is not None:
                        complete(operation, method.upper(), path)
            for unused in ("HTTPValidationError", "ValidationError"):
                found["components"]["schemas"].pop(unused, None)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it
