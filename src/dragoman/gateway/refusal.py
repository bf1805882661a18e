"""What an upstream's error answer means to the caller."""

from dragoman.domain.errors import UpstreamRefused
from dragoman.domain.ports import Headers
from dragoman.gateway.credentials import scrubbed
from dragoman.gateway.target import Target
from dragoman.protocols.base import Said
from dragoman.protocols.registry import wire_format

MAX_ERROR_BODY_BYTES = 64 * 1024
MAX_MESSAGE_LENGTH = 2000
MAX_NAME_LENGTH = 200
MAX_RETRY_AFTER_S = 3600

STATUSES = {400: 400, 408: 504, 413: 413, 422: 422, 429: 429, 503: 503, 504: 504, 529: 503}
"""Upstream's status to ours. All others become 502: an upstream's 401 or 403 is our credential
failing, and its 404 is our registration being wrong, neither of which the caller can mend."""

BAD_GATEWAY = 502
EXPLANATIONS = {
    401: "The upstream refused the stored credential of this LLM. Register its secret again.",
    403: "The upstream does not allow the stored credential of this LLM to make this call.",
    404: "The upstream does not know this LLM's URL or model. Check its registration.",
}


def refusal(status: int, headers: Headers, body: bytes, target: Target) -> UpstreamRefused:
    """Make an upstream's error answer into ours: its own words, without the credential."""
    said = wire_format(target.llm.configuration.protocol).problem(body)
    return refused(status, said, headers, target)


def refused(status: int, said: Said, headers: Headers, target: Target) -> UpstreamRefused:
    """Make what an upstream says of a failure into what the caller is told."""
    words = _words(said.message, target, MAX_MESSAGE_LENGTH)
    ours = STATUSES.get(status, BAD_GATEWAY)
    lead = EXPLANATIONS.get(status, f"The upstream answered with status {status}.")
    return UpstreamRefused(
        f"{lead} It said: {words}" if words else lead,
        status=ours,
        code=_words(said.code, target, MAX_NAME_LENGTH) if ours < BAD_GATEWAY else None,
        param=_words(said.param, target, MAX_NAME_LENGTH),
        retry_after_s=_retry_after_s(headers),
    )


def _words(said: str | None, target: Target, longest: int) -> str | None:
    """Give what an upstream said, if anything; the credential goes before the text is cut."""
    return scrubbed(said, target)[:longest] if said else None


def _retry_after_s(headers: Headers) -> int | None:
    """Give a Retry-After that is a number of seconds within reason; dates are not used here."""
    for name, value in headers:
        if name == b"retry-after" and value.isdigit():
            return min(int(value[:9]), MAX_RETRY_AFTER_S)
    return None
