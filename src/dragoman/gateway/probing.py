"""One probe: a chat completion of one token, as small a call as there is, and what comes of it."""

import re
from time import perf_counter_ns

import msgspec
from msgspec import Struct, structs

from dragoman.domain.chat_answer import put_together
from dragoman.domain.errors import (
    ConnectTimeout,
    CredentialUnusable,
    DragomanError,
    EgressRefused,
    ProxyFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from dragoman.domain.llm import LLM
from dragoman.domain.ports import (
    Clock,
    Deadlines,
    Headers,
    Upstream,
    UpstreamExchange,
    UpstreamRequest,
)
from dragoman.gateway.attempts import NOTHING_SENT
from dragoman.gateway.credentials import scrubbed
from dragoman.gateway.outgoing import Asked, request
from dragoman.gateway.probe_result import Probed, ProbeFailure, ProbeStage
from dragoman.gateway.relay import check_answer
from dragoman.gateway.target import Target
from dragoman.gateway.translation import Translation
from dragoman.protocols.base import WireRequest

MAX_ANSWER_BYTES = 1024 * 1024
"""An answer of one token that is larger than this has gone wrong."""

REPORTED = frozenset({b"x-request-id", b"retry-after"})
REPORTED_PREFIX = b"x-ratelimit-"
MAX_REPORTED = 20
MAX_REPORTED_LENGTH = 200

STAGES_OF_STATUSES = {
    401: ProbeStage.AUTH,
    403: ProbeStage.AUTH,
    404: ProbeStage.MODEL,
}

ABOUT_MODEL = re.compile(
    r"\b(?:unknown|invalid|valid|unsupported|no such) model\b"
    r"|\bmodel\b.{0,300}?\b(?:not (?:found|exist|available|supported)|unavailable)\b",
    re.IGNORECASE | re.DOTALL,
)
"""How servers say that they do not know a model, where they say it with another status than 404."""

OUT_OF_TOKENS = "output limit was reached"
"""How OpenAI's reasoning models say, with status 400, that one token was too few to think in: the
model has worked (github.com/grafana/grafana-llm-app, pull request 780, 2025-09)."""

BAD_REQUEST = 400

FAILURES = (UpstreamError, EgressRefused, ProxyFailed)
"""What says something of the upstream, or of the way to it."""


class _Completion(Struct):
    """As much of a chat completion as tells it from other JSON."""

    choices: list[msgspec.Raw]


class _Heard:
    """An exchange whose answer is counted, and not read without end."""

    def __init__(self, exchange: UpstreamExchange, probe: "_Probe") -> None:
        self.status = exchange.status
        self.headers = exchange.headers
        self._exchange = exchange
        self._probe = probe

    async def read(self) -> bytes:
        """Give the next piece. Raises what the exchange does, and UpstreamBroken for too many."""
        piece = await self._exchange.read()
        self._probe.bytes_received += len(piece)
        if self._probe.bytes_received > MAX_ANSWER_BYTES:
            raise UpstreamBroken(
                f"The upstream answered a call for one token with more than {MAX_ANSWER_BYTES} "
                "bytes."
            )
        return piece


class _Probe:
    """A probe that is under way."""

    def __init__(self, llm: LLM, clock: Clock) -> None:
        self.status = 0
        self.bytes_sent = 0
        self.bytes_received = 0
        self._llm = llm
        self._notes: dict[str, str] = {}
        self._answered_at: int | None = None
        self._began_ns, self._began_at = clock.now_ns(), perf_counter_ns()

    async def run(self, upstream: Upstream, outgoing: UpstreamRequest, target: Target) -> None:
        """Send the request and take its answer; raises what the relay would."""
        self.bytes_sent = len(outgoing.body)
        async with upstream.exchange(outgoing) as exchange:
            self.status, self._answered_at = exchange.status, perf_counter_ns()
            self._notes |= _reported(exchange.headers, target)
            heard = _Heard(exchange, self)
            await check_answer(heard, target)
            body = b""
            while piece := await heard.read():
                body += piece
        if not _is_answer(body, target):
            self._notes["answer"] = "not a chat completion"

    def ended(self, failure: ProbeFailure | None) -> Probed:
        """Give what came of it."""
        ended_at = perf_counter_ns()
        answered_at = self._answered_at or ended_at
        return Probed(
            seq=1,
            llm=self._llm,
            url=self._llm.configuration.endpoints[0].url,
            bytes_sent=self.bytes_sent,
            bytes_received=self.bytes_received,
            status=self.status,
            began_ns=self._began_ns,
            answered_ns=self._began_ns + answered_at - self._began_at,
            ended_ns=self._began_ns + ended_at - self._began_at,
            failure=failure,
            notes=self._notes,
        )


async def probed(
    target: Target, text: str, timeout_ms: int, asked: Asked, *, upstream: Upstream, clock: Clock
) -> Probed:
    """Probe the first endpoint of an LLM; gives probe number 1.

    It goes the way of a call, but alone: no other endpoint is tried after it, and what comes of it
    changes nothing for calls. Raises what is neither the upstream's doing nor the way's, such as
    Unavailable where no connection is free or the process shuts down.
    """
    endpoint, timeout_s = target.endpoints[0], timeout_ms / 1000
    deadlines = Deadlines(
        connect_s=timeout_s, first_byte_s=timeout_s, idle_s=timeout_s, total_s=timeout_s
    )
    small = _for_one_token(target)
    outgoing = request(small, endpoint, asked, _content(small, text, clock), deadlines)
    probe, failure = _Probe(target.llm, clock), None
    try:
        await probe.run(upstream, outgoing, target)
    except FAILURES as error:
        if not probe.status and isinstance(error, NOTHING_SENT):
            probe.bytes_sent = 0
        if OUT_OF_TOKENS not in error.message or probe.status != BAD_REQUEST:
            failure = _failure(error, probe.status, target)
    return probe.ended(failure)


def without_credential(llm: LLM, error: CredentialUnusable, clock: Clock) -> Probed:
    """Give what comes of a probe for which there is no credential: nothing is sent."""
    return _Probe(llm, clock).ended(ProbeFailure(ProbeStage.CREDENTIAL, error.message))


def _content(target: Target, text: str, clock: Clock) -> dict[str, msgspec.Raw] | WireRequest:
    """Write what is asked, in the upstream's format. Raises NotCallable where that cannot be."""
    messages = [{"role": "user", "content": text}]
    members = {"messages": msgspec.Raw(msgspec.json.encode(messages))}
    if target.translated_into is None:
        return members
    translated = Translation.begin(_thoughtless(target), members, clock.now_ms())
    return translated.request(target.endpoints[0])


def _for_one_token(target: Target) -> Target:
    """Give the LLM as if one token were its default, which is then written as its host wants it."""
    configuration = target.llm.configuration
    sampling = structs.replace(configuration.sampling, max_tokens=1)
    configuration = structs.replace(configuration, sampling=sampling)
    return structs.replace(target, llm=structs.replace(target.llm, configuration=configuration))


def _thoughtless(target: Target) -> Target:
    """Give the LLM as if nobody had it think, for which one token leaves no room."""
    configuration = structs.replace(target.llm.configuration, reasoning_effort=None)
    return structs.replace(target, llm=structs.replace(target.llm, configuration=configuration))


def _failure(error: DragomanError, status: int, target: Target) -> ProbeFailure:
    return ProbeFailure(
        _stage(error, status), scrubbed(error.message, target), isinstance(error, UpstreamTimeout)
    )


def _stage(error: DragomanError, status: int) -> ProbeStage:
    match error:
        case UpstreamRefused():
            about_model = ProbeStage.MODEL if _is_about_model(error) else ProbeStage.ANSWER
            return STAGES_OF_STATUSES.get(status, about_model)
        case _ if status:
            return ProbeStage.ANSWER
        case UpstreamUnreachable(stage=stage) | ConnectTimeout(stage=stage) if stage is not None:
            return ProbeStage(stage.value)
        case EgressRefused():
            return ProbeStage.EGRESS
        case ProxyFailed():
            return ProbeStage.PROXY
        case UpstreamUnreachable() | ConnectTimeout():
            return ProbeStage.CONNECT
        case _:
            return ProbeStage.ANSWER


def _is_about_model(error: UpstreamRefused) -> bool:
    """Tell whether an upstream refuses the model and not the rest of a request."""
    codes = (error.param, error.code)
    return "model" in codes or "model_not_found" in codes or bool(ABOUT_MODEL.search(error.message))


def _is_answer(body: bytes, target: Target) -> bool:
    try:
        if target.translated_into is not None:
            put_together(target.translated_into.decode(body))
        else:
            msgspec.json.decode(body, type=_Completion)
    except UpstreamBroken:
        return False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _reported(headers: Headers, target: Target) -> dict[str, str]:
    """Choose what an upstream says about the request beside its answer, without secrets."""
    found = [
        (name.decode("latin-1"), value[:MAX_REPORTED_LENGTH].decode("latin-1"))
        for name, value in headers
        if (
            name in REPORTED
            or (name.startswith(REPORTED_PREFIX) and not target.hidden.is_in_name(name))
        )
        and not target.hidden.is_in(value)
    ]
    return dict(found[:MAX_REPORTED])
