"""What two parsers could read differently is refused, and nothing that follows it is read."""

import pytest

from tests.running import RunningDragoman, registration
from tests.server.malformed import MALFORMED, STATUSES
from tests.server.wire import Wire

HEALTH = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"


def smuggled(dragoman: RunningDragoman) -> bytes:
    """Write a request that leaves a trace."""
    body = str(registration("http://127.0.0.1/", displayName="smuggled")).replace("'", '"').encode()
    head = f"POST /v1/llms HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {dragoman.admin_key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def has_trace(dragoman: RunningDragoman) -> bool:
    head = "GET /v1/llms?perPage=100 HTTP/1.1\r\nhost: a\r\n"
    head += f"authorization: Bearer {dragoman.admin_key}\r\n\r\n"
    with Wire(dragoman.url) as wire:
        llms = wire.send(head.encode()).answer().json["data"]
    return any(llm["displayName"] == "smuggled" for llm in llms)


def test_the_trace_would_be_seen(dragoman: RunningDragoman) -> None:
    with Wire(dragoman.url) as wire:
        answer = wire.send(smuggled(dragoman)).answer()
        assert answer.status == 201
    assert has_trace(dragoman)
    with dragoman.client() as client:
        assert client.delete(f"/v1/llms/{answer.json['id']}").is_success
    assert not has_trace(dragoman)


@pytest.mark.parametrize("case", MALFORMED)
def test_it_is_refused_and_ends_the_connection(dragoman: RunningDragoman, case: str) -> None:
    with Wire(dragoman.url) as wire:
        wire.send(MALFORMED[case] + b"\r\n\r\n" + smuggled(dragoman))
        (answer,) = wire.answers()
    assert answer.status == STATUSES[case]
    assert answer.headers["connection"] == "close"
    assert answer.json["error"]["message"]
    assert answer.headers["x-dragoman-fault"] == "caller"
    assert not has_trace(dragoman)


@pytest.mark.parametrize("case", MALFORMED)
def test_what_came_before_it_is_answered_first(dragoman: RunningDragoman, case: str) -> None:
    with Wire(dragoman.url) as wire:
        wire.send(HEALTH + HEALTH + MALFORMED[case] + b"\r\n\r\n" + smuggled(dragoman))
        statuses = [answer.status for answer in wire.answers()]
    assert statuses == [200, 200, STATUSES[case]]
    assert not has_trace(dragoman)


@pytest.mark.parametrize("case", ["a length before chunks", "LF in a value"])
def test_it_is_the_same_byte_by_byte(dragoman: RunningDragoman, case: str) -> None:
    data = HEALTH + MALFORMED[case]
    with Wire(dragoman.url) as wire:
        wire.send(*(data[at : at + 1] for at in range(len(data))), pause_s=0.001)
        statuses = [answer.status for answer in wire.answers()]
    assert statuses == [200, 400]
