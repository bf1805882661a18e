"""Failures in OpenAI's shape, which its SDKs turn into typed exceptions.

`{"error": {"message", "type", "param", "code"}}` (platform.openai.com, guide "Error codes",
2026-11). `type` says whose fault it was; so does the header `x-dragoman-fault`, for answers that
have no body of ours.
"""

from dragoman.dialect.record import Rendered
from dragoman.dialect.status import headers_of, status_of
from dragoman.domain.errors import (
    CallerError,
    DragomanError,
    Forbidden,
    Invalid,
    Unauthenticated,
    UpstreamError,
    UpstreamRefused,
    dotted,
)

CALLERS_STATUSES = frozenset({400, 413, 422})
"""Statuses by which an upstream says that the caller's request is at fault."""


def render(error: DragomanError) -> Rendered:
    """Write a failure."""
    headers = (*headers_of(error), ("x-dragoman-fault", fault_of(error)))
    return Rendered(status_of(error), {"error": content(error)}, headers)


def content(error: DragomanError) -> dict[str, str | None]:
    """Write what is inside `error`; also what a stream says that fails after it has begun."""
    return {
        "message": error.message,
        "type": _type(error),
        "param": _param(error),
        "code": error.code,
    }


def fault_of(error: DragomanError) -> str:
    """Say whose fault it was: caller, upstream or operator."""
    match error:
        case UpstreamRefused(status=status) if status in CALLERS_STATUSES:
            return "caller"
        case CallerError():
            return "caller"
        case UpstreamError():
            return "upstream"
        case _:
            return "operator"


def _type(error: DragomanError) -> str:
    match error:
        case Unauthenticated():
            return "authentication_error"
        case Forbidden():
            return "permission_error"
        case _:
            fault = fault_of(error)
            return "invalid_request_error" if fault == "caller" else f"{fault}_error"


def _param(error: DragomanError) -> str | None:
    match error:
        case Invalid(problems=problems):
            return dotted(problems[0].path)
        case UpstreamRefused(param=param):
            return param
        case _:
            return None
