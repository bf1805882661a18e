"""What goes out: of a caller's request only what is named here, and what the LLM adds.

An allow-list, and the only place that a header of an upstream's request comes from; the
credential's own lines are written last, and stand in place of any other of their name.
"""

import msgspec
from msgspec import Struct

from dragoman.domain.errors import Malformed, NotCallable
from dragoman.domain.ports import Deadlines, Headers, UpstreamRequest
from dragoman.gateway.target import TOKEN_BYTES, ReadyEndpoint, Target
from dragoman.gateway.trace import TRACEPARENT, TRACESTATE, trace_lines
from dragoman.protocols import openai_chat
from dragoman.protocols.base import WireRequest

OUR_HEADERS: Headers = [
    (b"content-type", b"application/json"),
    # An answer that nobody has to unpack can be relayed as it comes.
    (b"accept-encoding", b"identity"),
    (b"user-agent", b"dragoman"),
]
PASSED = frozenset({b"accept", b"openai-beta"})

OF_THE_CALLERS_FORMAT = frozenset({b"openai-beta"})
"""What means nothing to a server of another one."""

LOOP_HEADER = b"cdn-loop"
"""Tells a relay its own requests (RFC 8586)."""

MAX_PASSED_THROUGH = 4
"""Through how many other relays a call may have come."""

REGION_HEADER = b"x-dragoman-region"
MAX_REGION_LENGTH = 64

WRITTEN = PASSED | {name for name, _ in OUR_HEADERS} | {LOOP_HEADER, TRACEPARENT, TRACESTATE}
"""What stands in a request beside its secret lines."""

READ = PASSED | {LOOP_HEADER, REGION_HEADER, TRACEPARENT, TRACESTATE}


class Asked(Struct, gc=False):
    """What the headers of a call ask for."""

    passed: Headers
    """The lines that every upstream gets."""
    region: str | None
    traces: tuple[list[bytes], list[bytes]] | None
    """What stands in `traceparent` and `tracestate`; None where there is neither."""


def asked_for(headers: Headers, installation: bytes) -> Asked:
    """Read a call's headers.

    Raises Malformed for a region that is none, and NotCallable for a call that this installation
    made, or that came through too many: an LLM is registered with a URL that leads in a circle.
    """
    lines = [*OUR_HEADERS]
    read: dict[bytes, list[bytes]] = {}
    for line in headers:
        if line[0] in READ:
            if line[0] in PASSED:
                lines.append(line)
            else:
                read.setdefault(line[0], []).append(line[1])
    if not read:
        lines.append((LOOP_HEADER, installation))
        return Asked(lines, None, None)
    lines.append((LOOP_HEADER, _passed_through(read.get(LOOP_HEADER, []), installation)))
    traces = read.get(TRACEPARENT, []), read.get(TRACESTATE, [])
    return Asked(lines, _region(read.get(REGION_HEADER)), traces)


def request(
    target: Target,
    endpoint: ReadyEndpoint,
    asked: Asked,
    content: dict[str, msgspec.Raw] | WireRequest,
    deadlines: Deadlines,
) -> UpstreamRequest:
    """Write the request to one endpoint of an LLM: of the caller's members, or a translated one."""
    lines = asked.passed
    translated = content if isinstance(content, WireRequest) else None
    if translated is not None:
        lines = [line for line in lines if line[0] not in OF_THE_CALLERS_FORMAT]
        lines += translated.headers
    if endpoint.takes_trace and asked.traces:
        lines = lines + trace_lines(*asked.traces)
    secret = target.secret_lines
    if translated is not None or not secret.names.isdisjoint(WRITTEN):
        lines = [line for line in lines if line[0] not in secret.names]
    return UpstreamRequest(
        origin=endpoint.origin,
        target=translated.path.encode() if translated else endpoint.request_target,
        headers=lines + secret.lines,
        body=_body(content, target, endpoint),
        deadlines=deadlines,
        carries_credential=bool(secret.lines),
    )


def _body(
    content: dict[str, msgspec.Raw] | WireRequest, target: Target, endpoint: ReadyEndpoint
) -> bytes:
    if isinstance(content, WireRequest):
        return content.body
    return openai_chat.edited(content, target.llm.configuration, endpoint.origin.host)


def _passed_through(before: list[bytes], installation: bytes) -> bytes:
    """Say through which installations a call will have come, this one included."""
    passed = b", ".join(before)
    if installation in passed or passed.count(b",") >= MAX_PASSED_THROUGH:
        raise NotCallable("This LLM's URL leads back to this installation.", code="loop_detected")
    return passed + b", " + installation if passed else installation


def _region(values: list[bytes] | None) -> str | None:
    if values is None:
        return None
    value = values[0]
    if (
        len(values) > 1
        or not 0 < len(value) <= MAX_REGION_LENGTH
        or value.translate(None, TOKEN_BYTES)
    ):
        raise Malformed(
            f"X-Dragoman-Region takes one name of at most {MAX_REGION_LENGTH} characters, such as "
            "eu-west-1.",
            code="invalid_region",
        )
    return value.decode("ascii")
