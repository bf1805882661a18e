"""What goes out: of a caller's request only what is named here, and what the LLM adds.

An allow-list, and the only place that a header of an upstream's request comes from; the
credential's own lines stand in place of any other of their name.
"""

import msgspec
from msgspec import Struct

from dragoman.domain.errors import Malformed, NotCallable
from dragoman.domain.header_block import HeaderBlock
from dragoman.domain.ports import Deadlines, Headers, UpstreamRequest
from dragoman.gateway.target import TOKEN_BYTES, ReadyEndpoint, SecretLines, Target
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

FROM_CALLERS = PASSED | {LOOP_HEADER, TRACEPARENT, TRACESTATE}
"""What may differ from call to call."""

READ = FROM_CALLERS | {REGION_HEADER}


class Asked(Struct, gc=False):
    """What the headers of a call ask for."""

    passed: HeaderBlock
    """The lines that every upstream gets beside its own."""
    region: str | None
    traces: tuple[list[bytes], list[bytes]] | None
    """What stands in `traceparent` and `tracestate`; None where there is neither."""


def asked_for(headers: Headers, installation: bytes) -> Asked:
    """Read a call's headers.

    Raises Malformed for a region that is none, and NotCallable for a call that this installation
    made, or that came through too many: an LLM is registered with a URL that leads in a circle.
    """
    lines = []
    read: dict[bytes, list[bytes]] = {}
    for line in headers:
        if line[0] in READ:
            if line[0] in PASSED:
                lines.append(line)
            else:
                read.setdefault(line[0], []).append(line[1])
    if not read:
        lines.append((LOOP_HEADER, installation))
        return Asked(HeaderBlock(lines), None, None)
    lines.append((LOOP_HEADER, _passed_through(read.get(LOOP_HEADER, []), installation)))
    traces = read.get(TRACEPARENT, []), read.get(TRACESTATE, [])
    return Asked(HeaderBlock(lines), _region(read.get(REGION_HEADER)), traces)


def request(
    target: Target,
    endpoint: ReadyEndpoint,
    asked: Asked,
    content: dict[str, msgspec.Raw] | WireRequest,
    deadlines: Deadlines,
) -> UpstreamRequest:
    """Write the request to one endpoint of an LLM: of the caller's members, or a translated one."""
    secret = target.secret_lines
    passed = [asked.passed]
    if endpoint.takes_trace and asked.traces:
        passed.append(HeaderBlock(trace_lines(*asked.traces)))
    if isinstance(content, WireRequest):
        passed = [HeaderBlock(_of_the_format(content, passed, secret))]
        path, body = content.path.encode(), content.body
    else:
        path = endpoint.request_target
        body = openai_chat.edited(content, target.llm.configuration, endpoint.origin.host)
    if not secret.names.isdisjoint(FROM_CALLERS):
        lines = [line for block in passed for line in block.lines if line[0] not in secret.names]
        passed = [HeaderBlock(lines)]
    return UpstreamRequest(
        origin=endpoint.origin,
        target=path,
        headers=[secret.sent or _sent(secret), *passed],
        body=body,
        deadlines=deadlines,
        carries_credential=bool(secret.lines),
    )


def _of_the_format(content: WireRequest, passed: list[HeaderBlock], secret: SecretLines) -> Headers:
    """Give the lines for a server of another format than the caller's."""
    lines = [
        line for block in passed for line in block.lines if line[0] not in OF_THE_CALLERS_FORMAT
    ]
    return lines + [line for line in content.headers if line[0] not in secret.names]


def _sent(secret: SecretLines) -> HeaderBlock:
    """Put together what goes out with every request that carries these secrets."""
    ours = [line for line in OUR_HEADERS if line[0] not in secret.names]
    secret.sent = HeaderBlock(ours + secret.lines)
    return secret.sent


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
