"""Upstreams that fail: the caller learns whose fault it was, and nothing cut short looks whole."""

import asyncio
import threading
import time
from collections.abc import Callable

import httpx2
import pytest

from tests.dialects.openai.conftest import Upstreams
from tests.dialects.openai.test_refused_calls import CHAT, error_of
from tests.faults.answers import EVENT, STREAM, chunk
from tests.scripted_upstream import close, cut, read_request, reset, send, wait

JSON_HEAD = b"content-type: application/json\r\n"


def refusing(status: int, body: bytes = b"", head: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d Odd\r\n%bcontent-length: %d\r\n\r\n%b" % (status, head, len(body), body)


@pytest.mark.parametrize(
    ("theirs", "ours", "fault"),
    [
        (400, 400, "caller"),
        (413, 413, "caller"),
        (422, 422, "caller"),
        (401, 502, "upstream"),
        (402, 502, "upstream"),
        (403, 502, "upstream"),
        (404, 502, "upstream"),
        (408, 504, "upstream"),
        (429, 429, "upstream"),
        (500, 502, "upstream"),
        (503, 503, "upstream"),
        (504, 504, "upstream"),
        (302, 502, "upstream"),
    ],
)
def test_each_status_of_an_upstream_has_its_meaning(
    client: httpx2.Client, upstream: Upstreams, theirs: int, ours: int, fault: str
) -> None:
    with upstream(read_request(), send(refusing(theirs, head=b"location: /\r\n"))) as (name, _):
        answer = client.post(CHAT, json={"model": name})
    assert (answer.status_code, answer.headers["x-dragoman-fault"]) == (ours, fault)
    assert "location" not in answer.headers
    error_of(answer)


def test_what_an_upstream_says_is_passed_on(client: httpx2.Client, upstream: Upstreams) -> None:
    body = b'{"error": {"message": "too long", "param": "messages", "code": "context_length"}}'
    with upstream(read_request(), send(refusing(400, body, JSON_HEAD))) as (name, _):
        error = error_of(client.post(CHAT, json={"model": name}))
    assert error["message"] == "The upstream answered with status 400. It said: too long"
    assert (error["param"], error["code"]) == ("messages", "context_length")


def test_a_rate_limit_says_when_to_come_again(client: httpx2.Client, upstream: Upstreams) -> None:
    with upstream(read_request(), send(refusing(429, head=b"retry-after: 7\r\n"))) as (name, _):
        assert client.post(CHAT, json={"model": name}).headers["retry-after"] == "7"


@pytest.mark.parametrize(
    "broken",
    [
        [cut()],
        [reset()],
        [send(b"NONSENSE\r\n\r\n")],
        [send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n")],
        [send(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc")],
    ],
    ids=["closed", "reset", "not HTTP", "two lengths", "compressed"],
)
def test_an_answer_that_is_none_is_502(
    client: httpx2.Client, upstream: Upstreams, broken: list[object]
) -> None:
    with upstream([read_request(), *broken]) as (name, _):
        answer = client.post(CHAT, json={"model": name})
    assert answer.status_code == 502
    assert error_of(answer)["code"] == "upstream_broken"


def test_nobody_there_is_502(client: httpx2.Client, upstream: Upstreams) -> None:
    with upstream(read_request()) as (name, _):
        pass  # the server is gone, its address is registered
    answer = client.post(CHAT, json={"model": name})
    assert answer.status_code == 502
    assert error_of(answer)["code"] == "upstream_unreachable"


def test_a_plain_answer_that_is_cut_short_does_not_look_whole(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + JSON_HEAD + b"content-length: 100\r\n\r\n"
    script = [read_request(), send(head + b'{"id":'), wait(0.1), cut()]
    with upstream(script) as (name, _), pytest.raises(httpx2.RemoteProtocolError):
        client.post(CHAT, json={"model": name})


def test_a_stream_that_is_cut_between_events_says_so_and_has_no_end(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    with upstream(read_request(), send(STREAM + chunk(EVENT)), wait(0.1), close()) as (name, _):
        received, ended_well = _stream(client, name)
    assert not ended_well
    assert received.startswith(EVENT + b'data: {"error":{"message":"')
    assert b'"type":"upstream_error"' in received
    assert b"[DONE]" not in received


def test_a_stream_that_is_cut_inside_an_event_has_no_end(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    with upstream(read_request(), send(STREAM + chunk(EVENT[:20])), wait(0.1), cut()) as (name, _):
        received, ended_well = _stream(client, name)
    assert not ended_well
    assert received == EVENT[:20]


def test_events_arrive_one_by_one_as_they_are_sent(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    """The second event is sent only after the first one has reached the caller."""
    seen = threading.Event()

    async def until_seen(_: object) -> None:
        await asyncio.to_thread(seen.wait, 10)

    script = [read_request(), send(STREAM + chunk(EVENT)), until_seen]
    done = b"data: [DONE]\n\n"
    script.append(send(chunk(done) + b"0\r\n\r\n"))
    with (
        upstream(script) as (name, _),
        client.stream("POST", CHAT, json={"model": name, "stream": True}) as answer,
    ):
        pieces = answer.iter_raw()
        assert next(pieces) == EVENT
        seen.set()
        assert b"".join(pieces) == done


@pytest.mark.parametrize("when", ["before the answer", "in the middle of a stream"])
def test_a_caller_who_goes_away_frees_the_upstream(
    client: httpx2.Client, upstream: Upstreams, when: str
) -> None:
    begun = [send(STREAM + chunk(EVENT))] if when != "before the answer" else []
    with upstream([read_request(), *begun]) as (name, server):
        with pytest.raises(httpx2.ReadTimeout):
            client.post(CHAT, json={"model": name, "stream": True}, timeout=0.6)
        assert _eventually(lambda: bool(server.peers) and server.open_peers == [])
        _answers_again(client, upstream)


def _answers_again(client: httpx2.Client, upstream: Upstreams) -> None:
    with upstream(read_request(), send(refusing(200, b"{}", JSON_HEAD))) as (name, _):
        assert client.post(CHAT, json={"model": name}).status_code == 200


def _stream(client: httpx2.Client, name: str) -> tuple[bytes, bool]:
    """Read a stream to its end; says whether that was a clean one."""
    received = b""
    try:
        with client.stream("POST", CHAT, json={"model": name, "stream": True}) as answer:
            for piece in answer.iter_raw():
                received += piece
    except httpx2.RemoteProtocolError:
        return received, False
    return received, True


def _eventually(condition: Callable[[], bool], patience_s: float = 5.0) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_an_upstream_is_asked_once(client: httpx2.Client, upstream: Upstreams) -> None:
    """A completion costs money: what was sent is not sent again by itself."""
    with upstream([read_request(), cut()], [read_request(), cut()]) as (name, server):
        assert client.post(CHAT, json={"model": name}).status_code == 502
        assert len(server.requests) == 1
