"""GoodMem's client and our own command ping an LLM through the shipped server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from goodmem import Goodmem
from goodmem.errors import PermissionDeniedError

from tests.background import in_background
from tests.cli.calling import Caller
from tests.cli.processes import eventually
from tests.engine.server import Engine
from tests.running import RunningDragoman, registration
from tests.scripted_upstream import forever, read_request, send, serving, until_hung_up
from tests.upstream.calling import answer

LEFT_S = 2.0


def registered(dragoman: RunningDragoman, url: str, name: str, secret: str) -> str:
    """Register an LLM; gives its id."""
    body = registration(url, displayName=name, secret=secret)
    with dragoman.client() as client:
        made = client.post("/anam/v1/llms", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@contextmanager
def pinging(dragoman: RunningDragoman, key: str | None = None) -> Iterator[Any]:
    """Give the ping of GoodMem's client, whose parts are not in its types."""
    url = f"{dragoman.url}/goodmem"
    with Goodmem(base_url=url, api_key=key or dragoman.admin_key, timeout=60) as client:
        found: Any = client
        yield found.ping


def test_an_engine_answers_its_pings(dragoman: RunningDragoman, llm_id: str) -> None:
    with pinging(dragoman) as ping:
        once = ping.once(target_id=llm_id, timeout_ms=20_000)
        with ping.stream(target_id=llm_id, count=3, interval_ms=100) as stream:
            *results, last = list(stream)
    assert (once.ok, once.http_status, once.error_message) == (True, 200, None)
    assert once.metadata is None
    assert [event.result.ok for event in results] == [True] * 3
    assert (last.summary.ok, last.summary.errors) == (3, 0)
    assert 0 < last.summary.rtt_min_ms <= last.summary.rtt_max_ms


def test_a_wrong_key_fails_at_auth_and_is_told_to_nobody(
    dragoman: RunningDragoman, engine: Engine
) -> None:
    wrong = "sk-wrong-77c2"
    llm_id = registered(dragoman, f"{engine.base_url}/chat/completions", "wrong key", wrong)
    with pinging(dragoman) as ping:
        once = ping.once(target_id=llm_id)
    assert (once.ok, once.http_status, once.metadata["stage"]) == (False, 401, "auth")
    caller = Caller(dragoman.url, dragoman.admin_key)
    ended = caller.run("llm", "ping", "wrong key", "--count", "1", "--json")
    result, summary = (json.loads(line) for line in ended.output.splitlines())
    assert (ended.status, result["result"]["ok"], summary["summary"]["ok"]) == (1, False, 0)
    assert wrong not in ended.output + ended.errors + dragoman.log


def test_who_may_only_call_does_not_ping(dragoman: RunningDragoman, llm_id: str) -> None:
    key = dragoman.new_key("caller", "calls only")
    with pinging(dragoman, key) as ping, pytest.raises(PermissionDeniedError):
        ping.once(target_id=llm_id)


def test_a_key_that_is_revoked_ends_its_ping(dragoman: RunningDragoman) -> None:
    key = dragoman.new_key("editor", "pings on")
    answers = forever(read_request(), send(answer(b"{}")))
    with in_background(serving(answers)) as upstream, pinging(dragoman, key) as ping:
        llm_id = registered(dragoman, f"{upstream.url}/v1/chat/completions", "on", "sk-on")
        with ping.stream(target_id=llm_id, count=100, interval_ms=200) as stream:
            events = iter(stream)
            assert next(events).result.ok
            revoked = dragoman.cli("key", "revoke", "pings on")
            assert revoked.returncode == 0, revoked.stderr
            *_, ended, last = list(events)
        made = len(upstream.requests)
    assert (ended.notice.code, last.summary.requests) == ("UNAUTHENTICATED", made)
    assert made < 100


def test_a_client_that_leaves_in_the_middle_has_the_upstream_let_go_of(
    dragoman: RunningDragoman,
) -> None:
    steps = read_request(), send(answer(b"{}")), read_request(), until_hung_up()
    with in_background(serving(*steps)) as upstream, pinging(dragoman) as ping:
        llm_id = registered(dragoman, f"{upstream.url}/v1/chat/completions", "silent", "sk-silent")
        asked = {"interval_ms": 100, "timeout_ms": 20_000}
        with ping.stream(target_id=llm_id, **asked) as stream:
            events = iter(stream)  # kept: the client hangs up when nobody has it any more
            assert next(events).result.ok
            assert eventually(lambda: len(upstream.requests) == 2)
        assert eventually(lambda: not upstream.open_peers, LEFT_S)
