"""What an upstream's error answer means to the caller."""

from typing import Any

import msgspec
from msgspec import Struct

from dragoman.domain.errors import UpstreamRefused
from dragoman.domain.ports import Headers
from dragoman.gateway.credentials import scrubbed
from dragoman.gateway.target import Target

MAX_ERROR_BODY_BYTES = 64 * 1024
MAX_MESSAGE_LENGTH = 2000
MAX_NAME_LENGTH = 200
MAX_RETRY_AFTER_S = 3600

STATUSES = {400: 400, 408: 504, 413: 413, 422: 422, 429: 429, 503: 503, 504: 504}
"""Upstream's status to ours. All others become 502: an upstream's 401 or 403 is our credential
failing, and its 404 is our registration being wrong, neither of which the caller can mend."""

BAD_GATEWAY = 502
EXPLANATIONS = {
    401: "The upstream refused the stored credential of this LLM. Register its secret again.",
    403: "The upstream does not allow the stored credential of this LLM to make this call.",
    404: "The upstream does not know this LLM's URL or model. Check its registration.",
}


class _Error(Struct):
    message: Any = None
    code: Any = None
    param: Any = None


class _ErrorBody(Struct):
    error: _Error | str | None = None
    message: Any = None
    detail: Any = None


def refusal(status: int, headers: Headers, body: bytes, target: Target) -> UpstreamRefused:
    """Make an upstream's error answer into ours: its own words, without the credential."""
    error = _read(body)
    words = _words(error.message, target, MAX_MESSAGE_LENGTH)
    ours = STATUSES.get(status, BAD_GATEWAY)
    lead = EXPLANATIONS.get(status, f"The upstream answered with status {status}.")
    return UpstreamRefused(
        f"{lead} It said: {words}" if words else lead,
        status=ours,
        code=_words(error.code, target, MAX_NAME_LENGTH) if ours < BAD_GATEWAY else None,
        param=_words(error.param, target, MAX_NAME_LENGTH),
        retry_after_s=_retry_after_s(headers),
    )


def _words(said: Any, target: Target, longest: int) -> str | None:
    """Give what an upstream said, if it is a text; the credential goes before the text is cut."""
    return scrubbed(said, target)[:longest] if isinstance(said, str) and said else None


def _read(body: bytes) -> _Error:
    """Find the error in the shapes that OpenAI-compatible servers give it."""
    try:
        answer = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Error()
    if isinstance(answer.error, _Error):
        return answer.error
    return _Error(message=answer.error or answer.message or answer.detail)


def _retry_after_s(headers: Headers) -> int | None:
    """Give a Retry-After that is a number of seconds within reason; dates are not used here."""
    for name, value in headers:
        if name == b"retry-after" and value.isdigit():
            return min(int(value[:9]), MAX_RETRY_AFTER_S)
    return None
