"""GoodMem's ping: which events come of a stream, in which form, and who leaves."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dragoman.dialects.goodmem.ping import ONCE, STREAM
from tests.dialects.goodmem.pinging import Service, service
from tests.fakes.upstream import FakeExchange, FakeUpstream
from tests.gateway.probing import (
    COMPLETION,
    EXTRA,
    SECRET,
)
from tests.scripted_upstream import (
    forever,
    read_request,
    reply,
    send,
    until_hung_up,
)
from tests.upstream.calling import answer, eventually

LEFT_S = 2.0


async def test_a_stream_tells_each_result_and_then_the_summary(tmp_path: Path) -> None:
    outcomes = iter([b"200 OK", b"500 Oh", b"200 OK"])
    steps = forever(read_request(), reply(lambda _: answer(COMPLETION, status=next(outcomes))))
    async with service(tmp_path, steps) as mixed:
        *results, last = await mixed.events(count=3)
    assert [each["result"]["seq"] for each in results] == [1, 2, 3]
    assert [each["result"]["ok"] for each in results] == [True, False, True]
    summary = last["summary"]
    counts = {name: summary[name] for name in ("requests", "responses", "ok", "timeouts", "errors")}
    assert counts == {"requests": 3, "responses": 3, "ok": 2, "timeouts": 0, "errors": 1}
    trips = [summary[f"rtt{name}Ms"] for name in ("Min", "P50", "P90", "P99", "Max")]
    assert trips == sorted(trips)
    good_trips = [each["result"]["rttMs"] for each in results if each["result"]["ok"]]
    assert (trips[0], trips[-1]) == (min(good_trips), max(good_trips))
    assert summary["rttAvgMs"] == pytest.approx(sum(good_trips) / 2)
    assert summary["endpoint"] == results[-1]["result"]["endpoint"]
    assert "appliedLimits" not in summary


async def test_strings_nulls_and_zeros_mean_what_clients_mean_by_them(good: Service) -> None:
    taken = {"count": "2", "jitter": "false", "maxInFlight": "2", "timeoutMs": "0", "labels": None}
    events = await good.events(**taken)
    assert [next(iter(each)) for each in events] == ["result", "result", "summary"]
    by_default = await good.events(count=0, maxInFlight=None, jitter=None, labels={"a": "b"})
    assert len(by_default) == 5
    one_and_summary = await good.events(count=1.0, jitter="true", labels='{"a": "b"}')
    assert len(one_and_summary) == 2


async def test_limits_that_were_applied_come_first_as_notices(good: Service) -> None:
    notice, result, _, summary = await good.events(count=2, intervalMs=1)
    assert notice["notice"] == {
        "code": "LIMIT_APPLIED",
        "message": "intervalMs is 100 here, in place of 1.",
        "details": {"member": "intervalMs", "requested": "1", "applied": "100"},
    }
    assert "metadata" not in result["result"]
    assert summary["summary"]["appliedLimits"] == {"intervalMs": "100"}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/event-stream", "text/event-stream"),
        ("Text/Event-Stream; q=1, application/x-ndjson", "text/event-stream"),
        ("application/x-ndjson, text/event-stream", "application/x-ndjson"),
        ("text/event-stream;q=0", "application/x-ndjson"),
        ("text/event-stream; v=1; q=0.000, */*", "application/x-ndjson"),
        ("text/event-stream;q=0.8, application/x-ndjson;q=0.9", "application/x-ndjson"),
        ("application/x-ndjson;q=0, text/event-stream;q=0.1", "text/event-stream"),
        ("application/x-ndjson;Q=0.5, text/event-stream", "text/event-stream"),
        ("text/event-stream;q=much", "text/event-stream"),
        ("*/*", "application/x-ndjson"),
        ("application/json", "application/x-ndjson"),
    ],
)
async def test_the_form_of_the_events_is_what_is_accepted(
    good: Service, accept: str, kind: str
) -> None:
    body = {"targetId": good.llm_id, "count": 1}
    said = await good.http.post(STREAM, json=body, headers={"accept": accept})
    assert said.headers["content-type"] == kind
    separator, start = ("\n\n", "data: ") if kind == "text/event-stream" else ("\n", "")
    assert said.text.endswith(separator)
    events = said.text.removesuffix(separator).split(separator)
    members = [json.loads(event.removeprefix(start)) for event in events]
    assert all(event.startswith(start) for event in events)
    assert [next(iter(each)) for each in members] == ["result", "summary"]


async def test_an_event_comes_as_soon_as_its_probe_has_ended(good: Service) -> None:
    body = {"targetId": good.llm_id, "count": 2, "intervalMs": 60_000}
    async with good.http.stream("POST", STREAM, json=body) as said:
        async for line in said.aiter_lines():
            assert json.loads(line)["result"]["seq"] == 1
            break


async def test_no_event_tells_a_secret(tmp_path: Path) -> None:
    def quoting(request: Any) -> bytes:
        said = json.dumps({"error": {"message": request.head.decode("latin-1")}}).encode()
        secret = b"x-request-id: " + SECRET.encode() + b"\r\n"
        return answer(said, status=b"400 No", headers=secret)

    async with service(tmp_path, forever(read_request(), reply(quoting))) as quoted:
        events = await quoted.events(count=2)
        once = (await quoted.once()).text
        assert SECRET in quoted.upstream.requests[0].head.decode()
    for text in (json.dumps(events), once):
        assert "****" in text
        assert SECRET not in text
        assert EXTRA not in text


async def test_a_stream_that_fails_inside_is_cut_and_looks_so(tmp_path: Path) -> None:
    upstream = FakeUpstream(COMPLETION)
    upstream.outcomes["127.0.0.1"] = [FakeExchange(200, [], [COMPLETION]), RuntimeError("planted")]
    async with service(tmp_path, through=upstream) as failing:
        body = {"targetId": failing.llm_id, "intervalMs": 100}
        with pytest.raises(httpx2.RemoteProtocolError):
            await failing.http.post(STREAM, json=body)


@pytest.mark.parametrize("path", [ONCE, STREAM])
async def test_a_caller_that_leaves_has_its_upstream_let_go_of(
    tmp_path: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [read_request(), send(answer(COMPLETION))] if path == STREAM else []
    steps = (*answers, read_request(), until_hung_up())
    async with service(tmp_path, *steps) as silent:
        body = {"targetId": silent.llm_id, "timeoutMs": 60_000, "intervalMs": 100}
        call = asyncio.create_task(silent.http.post(path, json=body))
        await eventually(lambda: len(silent.upstream.requests) == 1 + bool(answers))
        call.cancel()
        async with asyncio.timeout(LEFT_S):
            await silent.upstream.peers[0].gone.wait()
        again = await silent.http.post(path, json=body | {"timeoutMs": 100, "count": 1})
        assert again.status_code == 200
    assert "unexpected_error" not in caplog.text


async def test_a_caller_that_leaves_between_two_probes_has_no_more_of_them_made(
    good: Service,
) -> None:
    body = {"targetId": good.llm_id, "count": 50, "intervalMs": 100}
    async with good.http.stream("POST", STREAM, json=body) as said:
        await anext(said.aiter_lines())
    made = len(good.upstream.requests)
    await asyncio.sleep(0.4)
    assert len(good.upstream.requests) <= made + 1
