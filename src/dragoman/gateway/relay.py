"""One call, from a caller's body to the last byte of the LLM's answer."""

import asyncio
from contextlib import suppress
from time import perf_counter
from typing import Protocol

from msgspec import structs

from dragoman.authz.check import Actor, scope
from dragoman.authz.policy import Action
from dragoman.domain.errors import UpstreamBroken, UpstreamRefused, UpstreamTimeout
from dragoman.domain.llm import Timeouts
from dragoman.domain.ports import (
    Clock,
    Deadlines,
    Headers,
    Upstream,
    UpstreamAnswer,
    UpstreamExchange,
)
from dragoman.domain.usage import Usage
from dragoman.gateway.aside import Aside
from dragoman.gateway.attempts import ENDPOINT_ERRORS, Attempts
from dragoman.gateway.body import read_members, read_text
from dragoman.gateway.cooldown import Cooldowns
from dragoman.gateway.directory import Directory
from dragoman.gateway.mask import Hidden, Mask
from dragoman.gateway.outgoing import Asked, asked_for, request
from dragoman.gateway.refusal import MAX_ERROR_BODY_BYTES, refusal
from dragoman.gateway.target import Target
from dragoman.gateway.translated_stream import TranslatedStream
from dragoman.gateway.translation import Translation

LARGE_BODY_BYTES = 256 * 1024
"""What is larger is read in a thread, so that other calls go on meanwhile."""

ERROR_BODY_S = 2.0
"""How long the body of an error is waited for [s]: another endpoint may be well."""

WITHOUT_AN_ANSWER = frozenset({204, 205, 206})
"""Statuses that are no errors, and no answer to a call either: nothing, nothing, and a part."""

OK = 200
EVENT_STREAM = b"text/event-stream; charset=utf-8"

NO_CODING = frozenset({b"", b"identity"})

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

OF_THE_INSTALLATION = Timeouts()


class Answer(Protocol):
    """Where an LLM's answer goes: the caller's connection, as its dialect sees it."""

    async def begin(self, status: int, headers: Headers) -> None:
        """Take the status and the headers that may pass; comes first, and once."""
        ...

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Take all of an answer, in place of `begin`, `write` and `end`."""
        ...

    async def write(self, piece: bytes) -> None:
        """Take the next piece; returns when the caller's connection has room for more."""
        ...

    async def end(self) -> None:
        """Take note that the answer is whole."""
        ...


class Relay:
    """Calls LLMs for callers who speak OpenAI's wire format."""

    def __init__(
        self,
        *,
        directory: Directory,
        upstream: Upstream,
        deadlines: Deadlines,
        clock: Clock,
        installation: bytes,
        region: str | None = None,
    ) -> None:
        """`region` is where this installation is, for LLMs that have endpoints in several."""
        self._directory = directory
        self._upstream = upstream
        self._deadlines = deadlines
        self._clock = clock
        self._installation = installation
        self._region = region
        self._cooldowns = Cooldowns()
        self._aside = Aside()

    def asked(self, headers: Headers) -> Asked:
        """Read what a call's headers ask for. Raises Malformed, NotCallable."""
        return asked_for(headers, self._installation)

    async def chat(
        self, usage: Usage, who: Actor, asked: Asked, body: bytes, answer: Answer
    ) -> None:
        """Relay one chat completion, streamed or not, as it comes or translated.

        Raises CallerError, UpstreamError or OperatorError; after `answer.begin` only an
        UpstreamError, and then what was written is not a whole answer.
        """
        reach = scope(who, Action.USE)
        is_large = len(body) > LARGE_BODY_BYTES
        members = await self._aside.read(read_members, body) if is_large else read_members(body)
        name = read_text(members, "model")
        target = self._directory.known(reach, name) or await self._directory.find(who, name)
        usage.llm_id = target.llm.id
        translated = None
        if target.translated_into is not None:
            wanted = target, members, self._clock.now_ms()
            if is_large:
                translated = await self._aside.read(Translation.begin, *wanted)
            else:
                translated = Translation.begin(*wanted)
        deadlines = self._deadlines_of(target.llm.configuration.timeouts)
        regions = asked.region, self._region
        attempts = Attempts(target, deadlines, usage, self._cooldowns, regions)
        try:
            while True:
                endpoint, deadlines = attempts.next(perf_counter())
                content = translated.request(endpoint) if translated else members
                outgoing = request(target, endpoint, asked, content, deadlines)
                try:
                    async with self._upstream.exchange(outgoing) as exchange:
                        attempts.answered(exchange.status, perf_counter())
                        await check_answer(exchange, target)
                        if translated is None:
                            await _pass_on(exchange, target, attempts, answer)
                        else:
                            await _translate(exchange, translated, attempts, usage, answer)
                    break
                except ENDPOINT_ERRORS as error:
                    attempts.failed(error, perf_counter())
        finally:
            attempts.close()

    def _deadlines_of(self, timeouts: Timeouts) -> Deadlines:
        """Give an LLM's own deadlines, and the installation's where it has none."""
        if timeouts == OF_THE_INSTALLATION:
            return self._deadlines
        own = {name: value for name, value in structs.asdict(timeouts).items() if value is not None}
        return structs.replace(self._deadlines, **own)


async def _pass_on(
    exchange: UpstreamExchange, target: Target, attempts: Attempts, answer: Answer
) -> None:
    """Pass on an answer as it comes."""
    attempts.worked()
    headers = _passed_to_caller(exchange.headers, target.hidden)
    body = exchange.whole()
    if body is not None:
        await answer.whole(exchange.status, headers, target.hidden.covered(body))
        return
    await answer.begin(exchange.status, headers)
    mask = Mask(target.hidden)
    while piece := await exchange.read():
        if passed := mask.passed(piece):
            await answer.write(passed)
    if rest := mask.rest():
        await answer.write(rest)
    await answer.end()


async def _translate(
    exchange: UpstreamExchange,
    translated: Translation,
    attempts: Attempts,
    usage: Usage,
    answer: Answer,
) -> None:
    """Pass on an answer translated."""
    if translated.is_streamed:
        await _translate_stream(exchange, translated.stream(usage), attempts, answer)
        return
    told = exchange.whole()
    if told is None:
        pieces = []
        while piece := await exchange.read():
            pieces.append(piece)
        told = b"".join(pieces)
    body = translated.whole(told, usage)
    attempts.worked()
    length = (b"content-length", b"%d" % len(body))
    await answer.whole(OK, [(b"content-type", b"application/json"), length], body)


async def _translate_stream(
    exchange: UpstreamExchange, stream: TranslatedStream, attempts: Attempts, answer: Answer
) -> None:
    """Pass on a stream translated; it begins when there is something of it to say."""
    has_begun = False
    try:
        while piece := await exchange.read():
            for said in stream.feed(piece):
                if not has_begun:
                    has_begun = True
                    attempts.worked()
                    await answer.begin(OK, [(b"content-type", EVENT_STREAM)])
                await answer.write(said)
        stream.close()
    except UpstreamRefused:
        if not has_begun:  # as if the head had said so: another endpoint may be well
            attempts.answered(stream.failed_with, perf_counter())
        raise
    await answer.end()


async def check_answer(exchange: UpstreamAnswer, target: Target) -> None:
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
    if status in WITHOUT_AN_ANSWER:
        raise UpstreamBroken(
            f"The upstream answered with status {status}, which carries no whole answer."
        )
    for name, value in exchange.headers:
        if name == b"content-encoding" and not _is_plain(value):
            raise UpstreamBroken("The upstream compressed its answer, which was not asked for.")


def _is_plain(codings: bytes) -> bool:
    return all(coding.strip().lower() in NO_CODING for coding in codings.split(b","))


async def _error_body(exchange: UpstreamAnswer) -> bytes:
    """Read an error's body, up to limits; what is missing of one does not change its status."""
    body = b""
    with suppress(UpstreamBroken, UpstreamTimeout, TimeoutError):
        async with asyncio.timeout(ERROR_BODY_S):
            while len(body) < MAX_ERROR_BODY_BYTES and (piece := await exchange.read()):
                body += piece
    return body[:MAX_ERROR_BODY_BYTES]


def _passed_to_caller(headers: Headers, hidden: Hidden) -> Headers:
    """Choose the headers that may pass; one that quotes the credential does not."""
    return [
        line
        for line in headers
        if (
            line[0] in PASSED_TO_CALLER
            or (line[0].startswith(PASSED_PREFIX) and not hidden.is_in_name(line[0]))
        )
        and not hidden.is_in(line[1])
    ]
