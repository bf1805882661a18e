"""What every answer of a call says about the call, in any dialect."""

import math

from dragoman.dialect.request_id import HEADER
from dragoman.domain.ports import Headers
from dragoman.domain.usage import Usage

LLM_HEADER = b"x-dragoman-llm"
ATTEMPTS_HEADER = b"x-dragoman-attempts"
STALE_HEADER = b"x-dragoman-stale"
TIMING_HEADER = b"server-timing"


def call_headers(usage: Usage, now: float, silent_s: float | None) -> Headers:
    """Write the lines, as far as it is known what they say.

    `silent_s` says for how long changes of the registry have not been heard [s]. Server-Timing
    (www.w3.org/TR/server-timing, 2023) counts in milliseconds.
    """
    own_ms, upstream_ms = usage.own_s(now) * 1000, usage.upstream_s * 1000
    if usage.attempts:
        timing = b"dragoman;dur=%.2f, upstream;dur=%.2f" % (own_ms, upstream_ms)
    else:
        timing = b"dragoman;dur=%.2f" % own_ms
    lines = [(HEADER, usage.request_id.encode()), (TIMING_HEADER, timing)]
    if usage.llm_id is not None:
        lines.append((LLM_HEADER, usage.llm_id.encode()))
    if usage.path:
        lines.append((ATTEMPTS_HEADER, ", ".join(usage.path).encode()))
    if silent_s is not None:
        lines.append((STALE_HEADER, b"%d" % math.ceil(silent_s)))
    return lines
