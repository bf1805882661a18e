"""Asking a server of the operator's own, over the one way out."""

from typing import NamedTuple

from dragoman.domain.errors import (
    DragomanError,
    EgressRefused,
    UpstreamBroken,
    UpstreamTimeout,
)
from dragoman.domain.ports import Deadlines, Upstream, UpstreamRequest
from dragoman.secret_sources.remembered import SourceUnreachable

DEADLINES = Deadlines(connect_s=5, first_byte_s=10, idle_s=10, total_s=10)
"""A call to an LLM waits for this, where there is no secret yet."""

MAX_ANSWER_BYTES = 1024 * 1024

OK = 200


class Answered(NamedTuple):
    """A whole answer."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


async def ask(upstream: Upstream, request: UpstreamRequest, server: str) -> Answered:
    """Send a request and read the whole answer; the pool bounds its size.

    Raises SourceUnreachable, which says how far it came and nothing else: callers read it too.
    """
    try:
        async with upstream.exchange(request) as exchange:
            body = bytearray()
            while piece := await exchange.read():
                body += piece
            return Answered(exchange.status, dict(exchange.headers), bytes(body))
    except DragomanError as error:
        raise unreachable(server, _stage(error)) from error


def unreachable(server: str, stage: str) -> SourceUnreachable:
    """Say that a server could not be asked."""
    return SourceUnreachable(f"{server} cannot be asked for the LLM's credential ({stage}).")


def _stage(error: DragomanError) -> str:
    """Say how far it came."""
    stage = getattr(error, "stage", None)
    if stage is not None:
        return str(stage)
    match error:
        case EgressRefused():
            return "egress"
        case UpstreamTimeout():
            return "timeout"
        case UpstreamBroken():
            return "answer"
        case _:
            return "busy"
