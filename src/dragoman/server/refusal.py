"""The answer to what is not handled, in OpenAI's shape like all answers of no dialect."""

from msgspec import json

from dragoman.server.framing import Framing, encode_head
from dragoman.server.reading import Refused

NO_ROOM = Refused(503, "Too many callers are connected; come again in a moment.")
SHUTTING_DOWN = Refused(503, "This process is shutting down; send the request again.")
FAILED = Refused(500, "Something went wrong in Dragoman; its log says what.")

OURS = frozenset({500, 503})
"""Statuses that are no caller's fault; 501 and 505 are: who asked for what is not here."""


CODES = {500: "internal", 503: "unavailable"}


def refusal(refused: Refused, request_id: str, tail: bytes) -> tuple[bytes, bytes]:
    """Write the head and the body of an answer; `tail` ends its head."""
    is_ours = refused.status in OURS
    error = {
        "message": refused.message,
        "type": "operator_error" if is_ours else "invalid_request_error",
        "param": None,
        "code": CODES.get(refused.status),
    }
    body = json.encode({"error": error})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        (b"x-dragoman-fault", b"operator" if is_ours else b"caller"),
    ]
    if refused.status == 503:  # noqa: PLR2004
        headers.append((b"retry-after", b"1"))
    return encode_head(refused.status, headers, Framing.LENGTH, tail), body
