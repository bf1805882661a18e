"""Failures in GoodMem's shape: `{"error": text, "code": name of a gRPC status}`.

GoodMem publishes only that its gRPC statuses become those of HTTP (page "REST API", 2026-11); the
member `error` is what its server wrote in 2025, and `code` is ours. Its clients read neither.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from dragoman.authz.policy import Permission
from dragoman.dialect.record import Rendered
from dragoman.dialect.status import headers_of, status_of
from dragoman.dialects.goodmem.shown import Error
from dragoman.domain.errors import DragomanError, Forbidden, Invalid, NotCallable

CODES: Mapping[int, str] = MappingProxyType(
    {
        400: "INVALID_ARGUMENT",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        405: "UNIMPLEMENTED",
        409: "ALREADY_EXISTS",
        412: "FAILED_PRECONDITION",
        413: "INVALID_ARGUMENT",
        415: "INVALID_ARGUMENT",
        429: "RESOURCE_EXHAUSTED",
        500: "INTERNAL",
        502: "UNAVAILABLE",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }
)
"""The gRPC status that each status of HTTP stands for."""

SECRET_REQUIRED = "SECRET_REQUIRED"  # noqa: S105  # a code
PRECONDITION_FAILED = 412


def render(error: DragomanError) -> Rendered:
    """Write a failure."""
    status = status_of(error)
    code, message = CODES[status], error.message
    match error:
        case Invalid(problems=problems) if any(p.code == "secret_required" for p in problems):
            code = SECRET_REQUIRED
        case Forbidden(permission=str(missing)):
            message = f"{message} What is missing is {permission_name(missing)}."
        case NotCallable():
            status, code = PRECONDITION_FAILED, CODES[PRECONDITION_FAILED]
        case _:
            pass
    return Rendered(status, {"error": message, "code": code}, headers_of(error))


def permission_name(permission: Permission) -> str:
    """Write a permission as GoodMem names it: `llm:create:any` is CREATE_LLM_ANY."""
    noun, _, action_and_reach = permission.partition(":")
    action, _, reach = action_and_reach.partition(":")
    verb, _, what = action.partition("_")
    return "_".join(word for word in (verb, noun, what, reach) if word).upper()


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe what a route may fail with, beside what is the installation's fault."""
    return {
        status: {"model": Error, "description": HTTPStatus(status).phrase}
        for status in (*statuses, 500, 503)
    }
