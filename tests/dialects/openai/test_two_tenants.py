"""Another organization's LLM is like none: the same answer as for an id that nobody has."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.dialects.openai.conftest import Upstreams
from tests.running import RunningDragoman
from tests.scripted_upstream import forever, read_request, send

NOBODYS = {"id": "01999999-0000-7000-8000-000000000000", "name": "nobody-has-this-name"}
CHANGING = {"x-request-id", "server-timing", "date"}
ANSWERS = forever(
    read_request(),
    send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"),
)


@pytest.fixture(scope="module")
def stranger(dragoman: RunningDragoman) -> Iterator[httpx2.Client]:
    """Make an organization and give its administrator's client."""
    assert dragoman.cli("org", "create", "--name", "strangers").returncode == 0
    made = dragoman.cli(
        *("key", "create", "--org", "strangers", "--role", "admin", "--name", "k", "--plain")
    )
    with dragoman.client(made.stdout.strip()) as client:
        yield client


def call(client: httpx2.Client, model: str, **members: object) -> httpx2.Response:
    messages = [{"role": "user", "content": "Hello"}]
    body: dict[str, Any] = {"model": model, "messages": messages}
    return client.post("/v1/chat/completions", json=body | members)


def seen(answer: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: text for name, text in answer.headers.items() if name not in CHANGING}
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("by", ["id", "name"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_of_it_is_answered_like_a_call_of_nothing(
    by: str, *, stream: bool, upstream: Upstreams, client: httpx2.Client, stranger: httpx2.Client
) -> None:
    with upstream(ANSWERS) as (name, server):
        shown = client.get(f"/v1/models/{name}").json()
        theirs = {"id": shown["llm_id"], "name": name}
        assert call(client, theirs[by]).status_code == 200
        called = len(server.requests)
        refused = call(stranger, theirs[by], stream=stream)
        assert refused.status_code == 404
        assert seen(refused) == seen(call(stranger, NOBODYS[by], stream=stream))
        assert len(server.requests) == called


@pytest.mark.parametrize("by", ["id", "name"])
def test_it_is_shown_like_nothing_and_listed_nowhere(
    by: str, upstream: Upstreams, client: httpx2.Client, stranger: httpx2.Client
) -> None:
    with upstream(ANSWERS) as (name, _):
        shown = client.get(f"/v1/models/{name}").json()
        theirs = {"id": shown["llm_id"], "name": name}
        refused = stranger.get(f"/v1/models/{theirs[by]}")
        assert refused.status_code == 404
        assert seen(refused) == seen(stranger.get(f"/v1/models/{NOBODYS[by]}"))
        listed = stranger.get("/v1/models").json()["data"]
        assert shown["llm_id"] not in {model["llm_id"] for model in listed}


def test_two_organizations_call_their_own_by_one_name(
    upstream: Upstreams, client: httpx2.Client, stranger: httpx2.Client
) -> None:
    with upstream(ANSWERS) as (name, ours), upstream(ANSWERS) as (_, theirs):
        body = {
            "displayName": name,
            "llmFormat": "openai",
            "modelName": "tiny",
            "url": f"{theirs.url}/v1/chat/completions",
            "secret": "sk-of-the-strangers",
        }
        assert stranger.post("/anam/v1/llms", json=body).status_code == 201
        for caller in (client, stranger, client, stranger):
            assert call(caller, name).status_code == 200
        assert len(ours.requests) == len(theirs.requests) == 2
        assert {request.header("authorization") for request in theirs.requests} == {
            b"Bearer sk-of-the-strangers"
        }
