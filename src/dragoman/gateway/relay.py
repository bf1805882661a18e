"""One call, from a caller's body to the last byte of the LLM's answer."""

import asyncio
from typing import Protocol

import msgspec

from dragoman.authz.check import Actor, scope
from dragoman.authz.policy import Action
from dragoman.domain.errors import NotCallable, UpstreamBroken
from dragoman.domain.ports import (
    Deadlines,
    Headers,
    Upstream,
    UpstreamExchange,
    UpstreamRequest,
)
from dragoman.gateway.body import read_members, read_text
from dragoman.gateway.credentials import header
from dragoman.gateway.directory import Directory, Target
from dragoman.gateway.refusal import MAX_ERROR_BODY_BYTES, refusal
from dragoman.protocols import openai_chat

OUR_HEADERS: Headers = [
    (b"content-type", b"application/json"),
    # An answer that nobody has to unpack can be relayed as it comes.
    (b"accept-encoding", b"identity"),
    (b"user-agent", b"dragoman"),
]
LOOP_HEADER = b"cdn-loop"
"""Tells a relay its own requests (RFC 8586)."""

LARGE_BODY_BYTES = 256 * 1024
"""What is larger is read in a thread, so that other calls go on meanwhile."""

PASSED_TO_UPSTREAM = frozenset({b"accept", b"idempotency-key", b"openai-beta"})
PASSED_TO_CALLER = frozenset(
    {
        b"content-type",
        b"content-length",
        b"retry-after",
        b"openai-model",
        b"openai-processing-ms",
        b"openai-version",
    }
)
PASSED_PREFIX = b"x-ratelimit-"


class Answer(Protocol):
    """Where an LLM's answer goes: the caller's connection, as its dialect sees it."""

    async def begin(self, status: int, headers: Headers) -> None:
        """Take the status and the headers that may pass; comes first, and once."""
        ...

    async def write(self, piece: bytes) -> None:
        """Take the next piece; returns when the caller's connection has room for more."""
        ...

    async def end(self) -> None:
        """Take note that the answer is whole."""
        ...


class Relay:
    """Calls LLMs for callers who speak the same wire format."""

    def __init__(
        self,
        *,
        directory: Directory,
        upstream: Upstream,
        deadlines: Deadlines,
        installation: bytes,
    ) -> None:
        self._directory = directory
        self._upstream = upstream
        self._deadlines = deadlines
        self._installation = installation
        self._our_headers = [*OUR_HEADERS, (LOOP_HEADER, installation)]

    async def chat(self, who: Actor, headers: Headers, body: bytes, answer: Answer) -> None:
        """Relay one chat completion, streamed or not, as it comes.

        Raises CallerError, UpstreamError or OperatorError; after `answer.begin` only an
        UpstreamError, and then what was written is not a whole answer.
        """
        scope(who, Action.USE)
        self._refuse_loop(headers)
        members = await _members(body)
        target = await self._directory.find(who, read_text(members, "model"))
        llm, host = target.llm.configuration, target.origin.host
        request = self._request(target, headers, openai_chat.edited(members, llm, host))
        async with self._upstream.exchange(request) as exchange:
            await _check(exchange, target)
            await answer.begin(exchange.status, _passed_to_caller(exchange.headers))
            while piece := await exchange.read():
                await answer.write(piece)
        await answer.end()

    def _refuse_loop(self, headers: Headers) -> None:
        """Refuse a call that this installation made: an LLM is registered with our own URL."""
        for name, value in headers:
            if name == LOOP_HEADER and self._installation in value:
                raise NotCallable(
                    "This LLM's URL leads back to this installation.", code="loop_detected"
                )

    def _request(self, target: Target, headers: Headers, body: bytes) -> UpstreamRequest:
        outgoing = self._our_headers + [line for line in headers if line[0] in PASSED_TO_UPSTREAM]
        credential = header(target)
        if credential is not None:
            outgoing.append(credential)
        return UpstreamRequest(
            origin=target.origin,
            target=target.request_target,
            headers=outgoing,
            body=body,
            deadlines=self._deadlines,
            carries_credential=credential is not None,
        )


async def _members(body: bytes) -> dict[str, msgspec.Raw]:
    if len(body) > LARGE_BODY_BYTES:
        return await asyncio.to_thread(read_members, body)
    return read_members(body)


async def _check(exchange: UpstreamExchange, target: Target) -> None:
    """Let pass what can be relayed; raises UpstreamRefused or UpstreamBroken for the rest."""
    status = exchange.status
    if 300 <= status < 400:  # noqa: PLR2004  # HTTP's classes of status are known by number
        raise UpstreamBroken(
            f"The upstream answered with a redirect ({status}), which is never followed. "
            "Register the URL that it leads to."
        )
    if status >= 400:  # noqa: PLR2004
        body = await _error_body(exchange)
        raise refusal(status, exchange.headers, body, target)
    for name, value in exchange.headers:
        if name == b"content-encoding" and value.lower() != b"identity":
            raise UpstreamBroken("The upstream compressed its answer, which was not asked for.")


async def _error_body(exchange: UpstreamExchange) -> bytes:
    """Read an error's body up to a limit; one that is cut short still counts for what is there."""
    body = b""
    try:
        while len(body) < MAX_ERROR_BODY_BYTES and (piece := await exchange.read()):
            body += piece
    except UpstreamBroken:
        pass
    return body[:MAX_ERROR_BODY_BYTES]


def _passed_to_caller(headers: Headers) -> Headers:
    return [
        line for line in headers if line[0] in PASSED_TO_CALLER or line[0].startswith(PASSED_PREFIX)
    ]
