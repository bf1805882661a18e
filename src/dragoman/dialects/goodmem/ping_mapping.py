"""Between GoodMem's ping and the gateway's probes. Pure."""

import json
from collections.abc import Sequence

from pydantic.alias_generators import to_camel

from dragoman.dialects.goodmem.ping_schema import (
    PingEndpoint,
    PingEvent,
    PingNotice,
    PingOnce,
    PingResult,
    PingStream,
    PingSummary,
    PingTiming,
)
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.ids import is_id
from dragoman.domain.llm import Provider
from dragoman.gateway.probe import Ended
from dragoman.gateway.probe_plan import MAX_TEXT_BYTES, Limit, Plan, planned
from dragoman.gateway.probe_result import Probed, Summary

NS_PER_MS = 1_000_000

NUMBERS = {
    "payload_size_bytes": "size_bytes",
    "timeout_ms": "timeout_ms",
    "count": "count",
    "interval_ms": "interval_ms",
    "max_in_flight": "max_in_flight",
}
"""Members that are numbers, and what they are called in a plan."""

WIRE_NAMES = {ours: to_camel(theirs) for theirs, ours in NUMBERS.items()}

OTHER_TARGETS = frozenset({"EMBEDDER", "RERANKER", "DECISION_MODEL"})


def plan(body: PingOnce) -> Plan:
    """Read what is asked for. Raises Invalid."""
    target_id = body.target_id.lower()
    problems = [*_target_problems(body, target_id), *_payload_problems(body)]
    if problems:
        raise Invalid(*problems)
    asked = {
        ours: number for theirs, ours in NUMBERS.items() if (number := getattr(body, theirs, None))
    }
    is_jittered = isinstance(body, PingStream) and bool(body.jitter)
    return planned(target_id, body.payload or None, asked, is_jittered=is_jittered)


def _target_problems(body: PingOnce, target_id: str) -> list[Problem]:
    problems = []
    if not is_id(target_id):
        problems.append(Problem(("targetId",), "must be a UUID", "invalid_id"))
    if body.target_type_hint in OTHER_TARGETS:
        said = "must be LLM: nothing else is registered here"
        problems.append(Problem(("targetTypeHint",), said, "unsupported_value"))
    return problems


def _payload_problems(body: PingOnce) -> list[Problem]:
    problems = []
    if body.payload and body.payload_size_bytes:
        said = "excludes payload; send one of the two"
        problems.append(Problem(("payloadSizeBytes",), said, "conflict"))
    if body.payload_type == "BINARY":
        problems.append(
            Problem(("payloadType",), "must be TEXT or JSON for an LLM", "unsupported_value")
        )
    if body.payload and len(body.payload.encode()) > MAX_TEXT_BYTES:
        said = f"must be at most {MAX_TEXT_BYTES} bytes long"
        problems.append(Problem(("payload",), said, "too_long"))
    elif body.payload and body.payload_type == "JSON" and not _is_json(body.payload):
        problems.append(Problem(("payload",), "must be JSON, as payloadType says", "invalid_json"))
    return problems


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def shown_once(probed: Probed, limits: Sequence[Limit]) -> PingResult:
    """Show one probe by itself, which has no other place for the limits that were applied."""
    applied = {f"applied.{name}": text for name, text in _applied(limits).items()}
    return _result(probed, probed.notes | applied)


def event(told: Limit | Ended | Probed | Summary, limits: Sequence[Limit]) -> PingEvent:
    """Show an event of a series."""
    match told:
        case Probed():
            return PingEvent(result=_result(told, told.notes))
        case Summary():
            return PingEvent(summary=_summary(told, limits))
        case Limit():
            return PingEvent(notice=_limit(told))
        case Ended():
            return PingEvent(
                notice=PingNotice(
                    code=told.code.upper(), message=f"No further probes: {told.message}"
                )
            )


def _result(probed: Probed, notes: dict[str, str]) -> PingResult:
    failure, error_message = probed.failure, None
    if failure is not None:
        error_message = f"{failure.stage}: {failure.message}"
        notes = {"stage": failure.stage.value} | notes
    return PingResult(
        endpoint=_endpoint(probed),
        seq=probed.seq,
        bytes_sent=probed.bytes_sent,
        bytes_received=probed.bytes_received,
        ok=probed.ok,
        http_status=probed.status,
        error_message=error_message,
        rtt_ms=probed.rtt_ns / NS_PER_MS,
        timing=PingTiming(
            client_send_time_unix_nanos=probed.began_ns,
            server_received_time_unix_nanos=probed.answered_ns,
            server_send_time_unix_nanos=probed.answered_ns,
            client_receive_time_unix_nanos=probed.ended_ns,
        ),
        metadata=notes or None,
    )


def _summary(summary: Summary, limits: Sequence[Limit]) -> PingSummary:
    return PingSummary(
        endpoint=_endpoint(summary),
        requests=summary.probes,
        responses=summary.probes,
        ok=summary.ok,
        timeouts=summary.timeouts,
        errors=summary.errors,
        rtt_min_ms=summary.min_ns / NS_PER_MS,
        rtt_avg_ms=summary.avg_ns / NS_PER_MS,
        rtt_p50_ms=summary.p50_ns / NS_PER_MS,
        rtt_p90_ms=summary.p90_ns / NS_PER_MS,
        rtt_p99_ms=summary.p99_ns / NS_PER_MS,
        rtt_max_ms=summary.max_ns / NS_PER_MS,
        requests_per_second=summary.probes_per_s,
        bytes_per_second=summary.bytes_per_s,
        applied_limits=_applied(limits) or None,
    )


def _endpoint(probed: Probed | Summary) -> PingEndpoint:
    configuration = probed.llm.configuration
    provider = configuration.provider or Provider.CUSTOM_OPENAI_COMPATIBLE
    return PingEndpoint(
        target_type="LLM",
        target_id=probed.llm.id,
        resolved_endpoint=probed.url,
        provider=provider.value.upper(),
        model_identifier=configuration.model,
    )


def _limit(limit: Limit) -> PingNotice:
    name = WIRE_NAMES[limit.name]
    return PingNotice(
        code="LIMIT_APPLIED",
        message=f"{name} is {limit.applied} here, in place of {limit.asked}.",
        details={"member": name, "requested": str(limit.asked), "applied": str(limit.applied)},
    )


def _applied(limits: Sequence[Limit]) -> dict[str, str]:
    return {WIRE_NAMES[limit.name]: str(limit.applied) for limit in limits}
