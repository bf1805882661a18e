"""Calls whose head has come before on their connection: what it says is known, and no verdict."""

import time

import httpx2

from tests.dialects.openai.conftest import Upstreams
from tests.running import RunningDragoman
from tests.scripted_upstream import Step, forever, read_request, send
from tests.server.wire import Wire, call
from tests.upstream.calling import answer

FELT_S = 1.0
"""How soon a revocation is felt."""

SAYS_HELLO: Step = forever(read_request(), send(answer(b'{"says":"hello"}')))
SAYS_BYE: Step = forever(read_request(), send(answer(b'{"says":"bye"}')))


def a_key(client: httpx2.Client, name: str) -> dict[str, str]:
    made = client.post("/api/v1/keys", json={"name": name, "role": "caller"})
    return dict(made.raise_for_status().json())


def test_a_key_that_was_revoked_is_refused_though_its_head_is_known(
    dragoman: RunningDragoman, client: httpx2.Client, upstream: Upstreams
) -> None:
    key = a_key(client, "soon revoked")
    with upstream(SAYS_HELLO) as (name, _), Wire(dragoman.url) as wire:
        asked = call(key["key"], name)
        assert [wire.send(asked).answer().status for _ in range(5)] == [200] * 5
        assert client.delete(f"/api/v1/keys/{key['id']}").status_code == 204
        revoked_at = time.monotonic()
        while wire.send(asked).answer().status == 200:
            assert time.monotonic() < revoked_at + FELT_S
            time.sleep(0.02)
        assert wire.send(asked).answer().status == 401


def test_a_head_that_is_known_says_nothing_of_the_body(
    dragoman: RunningDragoman, client: httpx2.Client, upstream: Upstreams
) -> None:
    key = a_key(client, "of both")["key"]
    with (
        upstream(SAYS_HELLO, displayName="one-of-two") as _,
        upstream(SAYS_BYE, displayName="two-of-two") as _,
        Wire(dragoman.url) as wire,
    ):
        said = [
            wire.send(call(key, name)).answer().json["says"]
            for name in ("one-of-two", "two-of-two", "one-of-two")
        ]
    assert said == ["hello", "bye", "hello"]


def test_another_head_on_the_connection_is_judged_for_itself(
    dragoman: RunningDragoman, client: httpx2.Client, upstream: Upstreams
) -> None:
    key = a_key(client, "of heads")["key"]
    other = f"{key[:-1]}{'a' if key[-1] != 'a' else 'b'}"
    with upstream(SAYS_HELLO) as (name, _), Wire(dragoman.url) as wire:
        statuses = [
            wire.send(asked).answer().status
            for asked in (
                *(call(key, name), call(key, name), call(other, name), call(key, name)),
                call(key, name, "x-dragoman-region: no such"),
                call(key, name),
            )
        ]
    assert statuses == [200, 200, 401, 200, 400, 200]
