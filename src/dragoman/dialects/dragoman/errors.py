"""Failures as problem details (RFC 9457)."""

from http import HTTPStatus

from dragoman.dialect.record import Rendered
from dragoman.dialect.status import headers_of, status_of
from dragoman.domain.errors import DragomanError, Invalid, dotted

PROBLEM_JSON = "application/problem+json"


def render(error: DragomanError) -> Rendered:
    """Write a failure."""
    status = status_of(error)
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.message,
        "code": error.code,
        "request_id": None,
    }
    match error:
        case Invalid(problems=problems):
            body["detail"] = "The request is not acceptable; 'errors' says what to change."
            body["errors"] = [
                {"path": dotted(p.path), "message": p.message, "code": p.code} for p in problems
            ]
        case _:
            pass
    return Rendered(status, body, headers_of(error), PROBLEM_JSON, "request_id")
