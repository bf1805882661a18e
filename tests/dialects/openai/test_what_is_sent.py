"""What reaches an upstream, and what comes back from one."""

import json
from typing import Any

import httpx2

from tests.dialects.openai.conftest import Upstreams
from tests.scripted_upstream import forever, read_request, send

ANSWER = b'{"id":"1","choices":[],"odd":1.0,"big":12345678901234567890123}'
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(ANSWER)
ANSWERING = forever(read_request(), send(OK + b"\r\n" + ANSWER))


def call(client: httpx2.Client, body: Any, **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    json_type = {"content-type": "application/json; charset=utf-8"}
    return client.post("/v1/chat/completions", content=content, headers=json_type | headers)


def test_the_request_line_is_the_registered_url_as_it_was_written(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    with upstream(ANSWERING) as (name, server):
        assert call(client, {"model": name}).status_code == 200
        line = server.requests[0].head.split(b"\r\n")[0]
    assert line == b"POST /v1/chat/completions?tenant=a%20b HTTP/1.1"


def test_the_body_is_edited_not_rebuilt(client: httpx2.Client, upstream: Upstreams) -> None:
    with upstream(ANSWERING, temperature=0.5) as (name, server):
        odd = b'"messages":[ {"content":"\\u00e9 model","model":"x" } ],"seed":1.0,"big":1e400'
        assert call(client, b'{"model":"%b",%b}' % (name.encode(), odd)).status_code == 200
        body = server.requests[0].body
    assert body == b'{"model":"tiny",' + odd + b',"temperature":0.5}'


def test_only_known_headers_reach_the_upstream(client: httpx2.Client, upstream: Upstreams) -> None:
    with upstream(ANSWERING) as (name, server):
        answer = call(
            client,
            {"model": name},
            **{
                "accept": "text/event-stream",
                "cookie": "session=1",
                "x-forwarded-for": "10.0.0.1",
                "x-custom": "1",
                "openai-organization": "org-1",
                "user-agent": "somebody",
            },
        )
        assert answer.status_code == 200
        head = server.requests[0].head.decode().lower().split("\r\n")
    names = sorted(line.split(":")[0] for line in head[1:] if line)
    assert names == [
        "accept",
        "accept-encoding",
        "authorization",
        "cdn-loop",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ]
    assert "authorization: bearer sk-test-secret" in head
    assert "accept-encoding: identity" in head
    assert "user-agent: dragoman" in head


def test_an_llm_without_a_secret_is_called_without_a_credential(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    with upstream(ANSWERING, secret="") as (name, server):
        assert call(client, {"model": name}).status_code == 200
        assert server.requests[0].header("authorization") is None


def test_the_answer_comes_back_byte_for_byte_with_known_headers_only(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    extra = b"set-cookie: a=b\r\nserver: secret-engine\r\nx-ratelimit-remaining-tokens: 7\r\n"
    with upstream(forever(read_request(), send(OK + extra + b"\r\n" + ANSWER))) as (name, _):
        answer = call(client, {"model": name})
    assert answer.content == ANSWER
    assert sorted(set(answer.headers) - {"date"}) == [
        "content-length",
        "content-type",
        "server-timing",
        "x-dragoman-llm",
        "x-ratelimit-remaining-tokens",
        "x-request-id",
    ]


def test_the_endpoint_of_this_region_is_called(client: httpx2.Client, upstream: Upstreams) -> None:
    with upstream(ANSWERING) as (_, near), upstream(ANSWERING) as (_, far):
        path = "/v1/chat/completions"
        urls = [
            {"url": f"{far.url}{path}", "region": "us-east-1"},
            {"url": f"{near.url}{path}", "region": "eu-west-1"},
        ]
        with upstream(ANSWERING, urls=urls) as (name, _):
            assert call(client, {"model": name}).status_code == 200
        assert (len(near.requests), len(far.requests)) == (1, 0)


def test_a_header_that_quotes_the_credential_does_not_pass(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    echo = b"openai-model: sk-test-secret\r\nopenai-version: 1\r\n"
    with upstream(forever(read_request(), send(OK + echo + b"\r\n" + ANSWER))) as (name, _):
        answer = call(client, {"model": name})
    assert "openai-model" not in answer.headers
    assert answer.headers["openai-version"] == "1"


def test_a_call_carries_through_which_relays_it_came(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    with upstream(ANSWERING) as (name, server):
        assert call(client, {"model": name}, **{"cdn-loop": "elsewhere"}).status_code == 200
        passed = server.requests[0].header("cdn-loop")
        assert passed is not None
        assert passed.startswith(b"elsewhere, dragoman-")
        too_many = ", ".join(f"relay-{number}" for number in range(5))
        assert call(client, {"model": name}, **{"cdn-loop": too_many}).status_code == 400


TRACE = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "congo=t61rcWkgMzE",
}


def test_a_trace_is_told_only_where_the_operator_says_so(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    with upstream(ANSWERING) as (name, server):
        trusted = server.url.replace("127.0.0.1", "localhost") + "/v1/chat/completions"
        assert call(client, {"model": name}, **TRACE).status_code == 200
        with upstream(ANSWERING, urls=[{"url": trusted}]) as (other, _):
            assert call(client, {"model": other}, **TRACE).status_code == 200
            odd = TRACE | {"traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"}
            assert call(client, {"model": other}, **odd).status_code == 200
        seen = [[request.header(line) for line in TRACE] for request in server.requests]
    told = [value.encode() for value in TRACE.values()]
    assert seen == [[None, None], told, [None, None]]
