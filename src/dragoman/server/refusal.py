"""The answer to what is not a request, in OpenAI's shape like all answers of no dialect."""

from msgspec import json

from dragoman.dialect.request_id import new_request_id
from dragoman.server.framing import Framing, encode_head


def refusal(status: int, message: str, tail: bytes) -> bytes:
    """Write a whole answer; `tail` ends its head."""
    is_ours = status == 503  # noqa: PLR2004  # 501 and 505: who asked for what is not here
    fault = "operator" if is_ours else "caller"
    kind = "operator_error" if is_ours else "invalid_request_error"
    body = json.encode({"error": {"message": message, "type": kind, "param": None, "code": None}})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", new_request_id().encode()),
        (b"x-dragoman-fault", fault.encode()),
    ]
    if is_ours:
        headers.append((b"retry-after", b"1"))
    return encode_head(status, headers, Framing.LENGTH, tail) + body
