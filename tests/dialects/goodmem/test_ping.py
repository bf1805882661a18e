"""GoodMem's ping: what is taken, what is refused, what is answered, and to whom."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dragoman.authz.policy import Action
from dragoman.dialect.route import Route, new_application
from dragoman.dialects.goodmem.ping import ONCE, STREAM, add_ping
from dragoman.domain.principal import Role
from dragoman.gateway.probe import PINGS_AT_ONCE
from dragoman.gateway.probe_plan import MAX_TEXT_BYTES
from dragoman.upstream.egress import EgressPolicy
from tests.dialects.goodmem.pinging import GOOD, SOME_ID, Service, service
from tests.gateway.probing import (
    CHAT,
    COMPLETION,
    EXTRA,
    SECRET,
)
from tests.registry.installation import NOON_MS
from tests.scripted_upstream import (
    read_request,
    send,
    until_hung_up,
)
from tests.upstream.calling import answer, eventually


def rejected(said: httpx2.Response) -> str:
    """Give what a request was refused for, with nothing of the request in it."""
    assert said.status_code == 400, said.text
    return str(said.json()["error"])


# --- Once ------------------------------------------------------------------------------------


async def test_a_good_probe_has_every_member_and_no_other(good: Service) -> None:
    said = await good.once()
    assert said.status_code == 200
    result = said.json()
    timing, rtt_ms = result.pop("timing"), result.pop("rttMs")
    sent = good.upstream.requests[0].body
    assert result == {
        "endpoint": {
            "targetType": "LLM",
            "targetId": good.llm_id,
            "resolvedEndpoint": good.upstream.url + CHAT,
            "provider": "OPEN_ROUTER",
            "modelIdentifier": "tiny",
        },
        "seq": 1,
        "bytesSent": len(sent),
        "bytesReceived": len(COMPLETION),
        "ok": True,
        "httpStatus": 200,
    }
    moments = [
        timing[f"{name}TimeUnixNanos"]
        for name in ("clientSend", "serverReceived", "serverSend", "clientReceive")
    ]
    assert moments == sorted(moments)
    assert all(type(moment) is int for moment in moments)
    assert moments[0] == NOON_MS * 1_000_000
    assert rtt_ms * 1_000_000 == pytest.approx(moments[3] - moments[0])
    assert SECRET not in said.text


async def test_a_failed_upstream_is_an_answer_that_names_the_stage(tmp_path: Path) -> None:
    body = json.dumps({"error": {"message": f"{SECRET} and {EXTRA}"}}).encode()
    steps = read_request(), send(answer(body, status=b"401 No"))
    async with service(tmp_path, *steps) as failing:
        said = await failing.once()
    result = said.json()
    assert (said.status_code, result["ok"], result["httpStatus"]) == (200, False, 401)
    assert result["errorMessage"].startswith("auth: The upstream refused the stored credential")
    assert result["errorMessage"].endswith("It said: **** and ****")
    assert result["metadata"] == {"stage": "auth"}
    assert SECRET not in said.text
    assert EXTRA not in said.text


async def test_a_closed_address_is_named_with_the_setting_that_opens_it(tmp_path: Path) -> None:
    async with service(tmp_path, policy=EgressPolicy()) as closed:
        result = (await closed.once()).json()
        assert closed.upstream.peers == []
    assert (result["ok"], result["httpStatus"], result["bytesSent"]) == (False, 0, 0)
    assert result["errorMessage"].startswith("egress: ")
    assert "DRAGOMAN_EGRESS_ALLOW" in result["errorMessage"]


async def test_a_timeout_is_kept(tmp_path: Path) -> None:
    async with service(tmp_path, read_request(), until_hung_up()) as silent:
        result = (await silent.once(timeoutMs=150)).json()
    assert result["errorMessage"].startswith("answer: ")
    assert 150 <= result["rttMs"] < 2000


@pytest.mark.parametrize(
    ("members", "content"),
    [
        ({}, "ping"),
        ({"payload": "Grüße"}, "Grüße"),
        ({"payload": '{"a":1}', "payloadType": "JSON"}, '{"a":1}'),
        ({"payload": "", "payloadSizeBytes": 0, "timeoutMs": 0}, "ping"),
        ({"payload": None, "payloadSizeBytes": None, "timeoutMs": None}, "ping"),
        ({"payloadSizeBytes": 40}, "1" * 40),
        ({"payloadSizeBytes": "40", "timeoutMs": "9000", "payloadType": "JSON"}, "1" * 40),
        ({"payloadSizeBytes": 99_999}, "1" * MAX_TEXT_BYTES),
        ({"targetTypeHint": "LLM", "payloadType": "PAYLOAD_TYPE_UNSPECIFIED"}, "ping"),
        ({"targetTypeHint": "TARGET_TYPE_UNSPECIFIED", "unknown": 1}, "ping"),
    ],
)
async def test_the_model_is_told_the_payload(
    good: Service, members: dict[str, Any], content: str
) -> None:
    said = await good.once(**members)
    assert said.json()["ok"] is True
    [message] = json.loads(good.upstream.requests[0].body)["messages"]
    assert message == {"role": "user", "content": content}


async def test_a_limit_that_was_applied_is_told_beside_the_result(good: Service) -> None:
    result = (await good.once(timeoutMs=2_000_000_000, payloadSizeBytes=99_999)).json()
    assert result["metadata"] == {
        "applied.timeoutMs": "60000",
        "applied.payloadSizeBytes": str(MAX_TEXT_BYTES),
    }


PLANTED = "planted-1f8a"

REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "no target": ({"targetId": None}, "targetId"),
    "a target that is no UUID": ({"targetId": PLANTED}, "targetId: must be a UUID"),
    "an embedder": ({"targetTypeHint": "EMBEDDER"}, "targetTypeHint: must be LLM"),
    "an unknown target": ({"targetTypeHint": PLANTED}, "targetTypeHint"),
    "an unknown payload": ({"payloadType": PLANTED}, "payloadType"),
    "bytes": ({"payload": PLANTED, "payloadType": "BINARY"}, "payloadType: must be TEXT or JSON"),
    "no JSON": ({"payload": PLANTED, "payloadType": "JSON"}, "payload: must be JSON"),
    "both payloads": ({"payload": PLANTED, "payloadSizeBytes": 3}, "payloadSizeBytes: excludes"),
    "a long payload": ({"payload": "é" * (MAX_TEXT_BYTES // 2 + 1)}, "payload: must be at most"),
    "a negative timeout": ({"timeoutMs": -1}, "timeoutMs"),
    "a timeout beyond 32 bits": ({"timeoutMs": 2**31}, "timeoutMs"),
    "a timeout in words": ({"timeoutMs": PLANTED}, "timeoutMs"),
}


@pytest.mark.parametrize("name", REJECTED)
async def test_what_is_not_acceptable_is_refused_by_both_routes(good: Service, name: str) -> None:
    members, says = REJECTED[name]
    for path in (ONCE, STREAM):
        said = await good.http.post(path, json={"targetId": good.llm_id, **members})
        assert says in rejected(said)
        assert PLANTED not in said.text
    assert good.upstream.requests == []


@pytest.mark.parametrize(
    "members",
    [
        {"count": -1},
        {"count": True},
        {"count": "1_0"},
        {"count": " 1"},
        {"intervalMs": "soon"},
        {"jitter": "yes"},
        {"jitter": 1},
        {"labels": {"a": 1}},
        {"labels": '{"a": "b", "a": "c"}'},
        {"labels": dict.fromkeys(map(str, range(21)), "")},
    ],
)
async def test_what_is_not_acceptable_of_a_stream_is_refused(
    good: Service, members: dict[str, Any]
) -> None:
    said = await good.http.post(STREAM, json={"targetId": good.llm_id, **members})
    assert next(iter(members)) in rejected(said)


# --- Who may ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ONCE, STREAM])
async def test_what_may_not_be_done_is_answered_before_any_event(good: Service, path: str) -> None:
    for role, status in ((Role.EDITOR, 200), (Role.VIEWER, 403), (Role.CALLER, 403)):
        body = {"targetId": good.llm_id, "count": 1}
        said = await good.http.post(path, json=body, headers=await good.of_role(role))
        assert said.status_code == status, said.text
    missed = await good.http.post(path, json={"targetId": SOME_ID})
    assert (missed.status_code, missed.json()["code"]) == (404, "not_found")
    assert missed.headers["content-type"] == "application/json"
    stranger = await good.http.post(path, json={"targetId": good.llm_id}, headers={"x-api-key": ""})
    assert stranger.status_code == 401


def test_both_routes_need_the_permission_to_ping() -> None:
    app = new_application()
    add_ping(app, None)  # type: ignore[arg-type]
    routes = {each.path: each.need for each in app.routes if isinstance(each, Route)}
    assert routes == {ONCE: Action.PING, STREAM: Action.PING}


@pytest.mark.parametrize("path", [ONCE, STREAM])
async def test_a_disabled_llm_does_not_meet_the_precondition(tmp_path: Path, path: str) -> None:
    async with service(tmp_path, GOOD, enabled=False) as disabled:
        said = await disabled.http.post(path, json={"targetId": disabled.llm_id})
        assert disabled.upstream.requests == []
    assert (said.status_code, said.json()["code"]) == (412, "llm_disabled")


@pytest.mark.parametrize("path", [ONCE, STREAM])
async def test_too_many_pings_at_once_are_told_to_wait(tmp_path: Path, path: str) -> None:
    async with service(tmp_path, read_request(), until_hung_up()) as silent:
        pings = [asyncio.create_task(silent.once()) for _ in range(PINGS_AT_ONCE)]
        await eventually(lambda: len(silent.upstream.requests) == PINGS_AT_ONCE)
        said = await silent.http.post(path, json={"targetId": silent.llm_id})
        assert (said.status_code, said.headers["retry-after"]) == (429, "1")
        for ping in pings:
            ping.cancel()
        await asyncio.gather(*pings, return_exceptions=True)
