"""How each call ended is noted: once, for whoever made it, and without what was said in it."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.dialects.openai.conftest import Upstreams
from tests.dialects.openai.test_failing_upstreams import refusing
from tests.dialects.openai.test_refused_calls import CHAT, JSON
from tests.faults.answers import EVENT, STREAM, chunk
from tests.running import RunningDragoman
from tests.scripted_upstream import Step, cut, forever, read_request, send, wait

CODED = b'{"error":{"message":"words","code":"words-of-its-own"}}'
PATIENCE_S = 5.0
SETTLED_S = 0.1
Noted = Callable[..., dict[str, Any]]


@pytest.fixture
def noted(dragoman: RunningDragoman) -> Noted:
    """Wait for the event of one call, and see that there is only one."""

    def find(**fields: object) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in dragoman.log.splitlines() if line.startswith("{")]
        calls = [line for line in lines if line["event"] == "call"]
        return [call for call in calls if fields.items() <= call.items()]

    def wait_for(**fields: object) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while not find(**fields) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(SETTLED_S)
        [event] = find(**fields)
        return event

    return wait_for


def llm_id(client: httpx2.Client, name: str) -> str:
    return str(client.get(f"/v1/models/{name}").json()["llm_id"])


def test_a_whole_answer_is_completed(
    client: httpx2.Client, upstream: Upstreams, noted: Noted
) -> None:
    with upstream(read_request(), send(refusing(200, b'{"said":"words"}'))) as (name, _):
        answer = client.post(CHAT, json={"model": name, "messages": ["asked"]})
        event = noted(request_id=answer.headers["x-request-id"])
        assert event["llm_id"] == llm_id(client, name)
    me = client.get("/api/v1/me").json()
    theirs = me["organization"]["id"], me["principal"]["id"], me["key_id"]
    assert (event["organization_id"], event["principal_id"], event["key_id"]) == theirs
    assert event["level"] == "info"
    assert (event["outcome"], event["status"], event["attempts"]) == ("completed", 200, 1)
    assert (event["bytes_out"], event["is_stream"]) == (len(answer.content), False)
    assert 0 < event["upstream_ms"] <= event["first_byte_ms"] <= event["duration_ms"]
    assert "error_code" not in event
    assert not any(word in str(event) for word in ("asked", "words", "sk-test", name))


def test_a_stream_is_noted_as_one_with_its_size(
    client: httpx2.Client, upstream: Upstreams, noted: Noted
) -> None:
    with upstream(read_request(), send(STREAM + chunk(EVENT) + b"0\r\n\r\n")) as (name, _):
        answer = client.post(CHAT, json={"model": name, "stream": True})
    event = noted(request_id=answer.headers["x-request-id"])
    assert (event["outcome"], event["is_stream"]) == ("completed", True)
    assert event["bytes_out"] == len(EVENT)


@pytest.mark.parametrize(
    ("script", "noted_as"),
    [
        ([send(refusing(400, CODED))], (400, "upstream_refused", "caller")),
        ([send(refusing(500))], (502, "upstream_refused", "upstream")),
        ([cut()], (502, "upstream_broken", "upstream")),
    ],
)
def test_a_failure_is_noted_with_its_fault(
    client: httpx2.Client,
    upstream: Upstreams,
    noted: Noted,
    script: list[Step],
    noted_as: tuple[int, str, str],
) -> None:
    with upstream([read_request(), *script]) as (name, _):
        answer = client.post(CHAT, json={"model": name})
    event = noted(request_id=answer.headers["x-request-id"])
    assert event["outcome"] == "failed"
    assert (event["status"], event["error_code"], event["fault"]) == noted_as
    assert event["bytes_out"] == 0


def test_a_stream_that_is_cut_has_failed_though_it_began_well(
    client: httpx2.Client, upstream: Upstreams, noted: Noted
) -> None:
    with upstream(read_request(), send(STREAM + chunk(EVENT)), wait(0.1), cut()) as (name, _):
        with pytest.raises(httpx2.RemoteProtocolError):
            client.post(CHAT, json={"model": name, "stream": True})
        event = noted(llm_id=llm_id(client, name))
    assert (event["outcome"], event["status"]) == ("failed", 200)
    assert (event["error_code"], event["fault"]) == ("upstream_broken", "upstream")
    assert event["bytes_out"] >= len(EVENT)


@pytest.mark.parametrize("when", ["before the answer", "in the middle of a stream"])
def test_a_call_whose_caller_went_away_is_aborted(
    client: httpx2.Client, upstream: Upstreams, noted: Noted, when: str
) -> None:
    has_begun = when != "before the answer"
    begun = [send(STREAM + chunk(EVENT))] if has_begun else []
    with upstream([read_request(), *begun]) as (name, _):
        with pytest.raises(httpx2.ReadTimeout):
            client.post(CHAT, json={"model": name, "stream": True}, timeout=0.4)
        event = noted(llm_id=llm_id(client, name))
    assert event["outcome"] == "aborted"
    assert (event["status"], event["bytes_out"]) == ((200, len(EVENT)) if has_begun else (0, 0))
    assert (event["first_byte_ms"] is not None) is has_begun
    assert "error_code" not in event


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [(b"{", 400, "invalid_json"), (b'{"model":"nobody-has-this"}', 404, "model_not_found")],
)
def test_a_refused_request_is_noted_without_an_llm(
    client: httpx2.Client, noted: Noted, body: bytes, status: int, code: str
) -> None:
    answer = client.post(CHAT, content=body, headers=JSON)
    event = noted(request_id=answer.headers["x-request-id"])
    assert (event["outcome"], event["status"]) == ("refused", status)
    assert (event["error_code"], event["fault"]) == (code, "caller")
    assert event["llm_id"] is None
    assert event["attempts"] == 0


def test_a_call_of_nobody_is_not_noted(
    client: httpx2.Client, dragoman: RunningDragoman, noted: Noted
) -> None:
    with dragoman.client("drg_wrong") as nobody:
        refused = nobody.post(CHAT, json={"model": "a"})
    assert refused.status_code == 401
    after = client.post(CHAT, content=b"{", headers=JSON)
    noted(request_id=after.headers["x-request-id"])
    assert refused.headers["x-request-id"] not in dragoman.log


def test_the_way_through_several_endpoints_is_noted(
    client: httpx2.Client, upstream: Upstreams, noted: Noted
) -> None:
    limited = forever(read_request(), send(refusing(429)))
    answering = forever(read_request(), send(refusing(200, b"{}")))
    path = "/v1/chat/completions"
    with upstream(limited) as (_, first), upstream(answering) as (_, second):
        urls = [{"url": f"{first.url}{path}", "region": "eu"}, {"url": f"{second.url}{path}"}]
        with upstream(read_request(), urls=urls) as (name, _):
            answer = client.post(CHAT, json={"model": name})
    event = noted(request_id=answer.headers["x-request-id"])
    assert (event["path"], event["attempts"], event["endpoint"]) == ("eu=429, 2=200", 2, "2")
