"""Upstreams that write back what they were sent: nobody gets to read the credential."""

import httpx2
import pytest

from tests.dialects.openai.conftest import Upstreams
from tests.dialects.openai.test_refused_calls import CHAT
from tests.faults.answers import EVENT, STREAM, chunk
from tests.scripted_upstream import Request, forever, read_request, reply, send, wait

SECRET = b"sk-test-secret"
MASKED = b"*" * len(SECRET)


def echoed(request: Request) -> bytes:
    """Answer with the whole request, as echo servers do."""
    body = request.head + request.body
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def test_an_echo_is_whole_and_has_the_credential_covered(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    with upstream(forever(read_request(), reply(echoed))) as (name, server):
        answer = client.post(CHAT, json={"model": name})
        [request] = server.requests
    sent = request.head + request.body
    assert SECRET in sent
    assert answer.content == sent.replace(SECRET, MASKED)
    assert int(answer.headers["content-length"]) == len(sent)


@pytest.mark.parametrize("at", [1, 3, len(SECRET) - 1])
def test_an_error_inside_a_stream_has_it_covered_wherever_it_is_cut(
    client: httpx2.Client, upstream: Upstreams, at: int
) -> None:
    before, after = b'data: {"error":{"message":"bad key ', b'"}}\n\n'
    pieces = [EVENT, before + SECRET[:at], SECRET[at:] + after, b"data: [DONE]\n\n"]
    steps = [read_request(), send(STREAM)]
    for piece in pieces:
        steps += [send(chunk(piece)), wait(0.02)]
    with upstream([*steps, send(b"0\r\n\r\n")]) as (name, _):
        answer = client.post(CHAT, json={"model": name, "stream": True})
    assert answer.content == b"".join(pieces).replace(SECRET, MASKED)


def test_what_only_begins_like_it_comes_with_the_end(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    ended = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nit is sk-"
    with upstream(read_request(), send(ended)) as (name, _):
        assert client.post(CHAT, json={"model": name}).content == b"it is sk-"


def test_an_error_that_splits_it_is_scrubbed(client: httpx2.Client, upstream: Upstreams) -> None:
    head = b"HTTP/1.1 400 Bad\r\ntransfer-encoding: chunked\r\n\r\n"
    pieces = [b'{"error":{"message":"bad key ' + SECRET[:5], SECRET[5:] + b'"}}', b""]
    steps = [read_request(), send(head)]
    for piece in pieces:
        steps += [send(chunk(piece)), wait(0.02)]
    with upstream(steps) as (name, _):
        answer = client.post(CHAT, json={"model": name})
    assert answer.json()["error"]["message"].endswith("It said: bad key ****")
