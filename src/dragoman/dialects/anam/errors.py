"""Failures in Anam's shapes.

Anam publishes bodies only for other paths of its API: `{"error": text}`, and for validation
`{"error": "Validation error", "details": […], "summary": text}`. Its SDKs read `error`.
"""

from dragoman.dialect.record import Rendered
from dragoman.dialect.status import headers_of, status_of
from dragoman.domain.errors import DragomanError, Invalid, dotted


def render(error: DragomanError) -> Rendered:
    """Write a failure."""
    return Rendered(status_of(error), _body(error), headers_of(error))


def _body(error: DragomanError) -> dict[str, object]:
    match error:
        case Invalid(problems=problems):
            details = [
                {"path": dotted(p.path), "message": p.message, "code": p.code} for p in problems
            ]
            summary = "; ".join(f"{detail['path']}: {detail['message']}" for detail in details)
            return {"error": "Validation error", "details": details, "summary": summary}
        case _:
            return {"error": error.message}
