"""LLMs with several endpoints, on the shipped server: the next one is asked where it is safe."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest

from tests.background import in_background
from tests.dialects.openai.conftest import Upstreams
from tests.dialects.openai.test_failing_upstreams import refusing
from tests.dialects.openai.test_refused_calls import CHAT, error_of
from tests.scripted_upstream import (
    ScriptedUpstream,
    Step,
    cut,
    forever,
    read_request,
    send,
    serving,
)

ANSWERING: list[Step] = [forever(read_request(), send(refusing(200, b"{}")))]
LIMITED = [forever(read_request(), send(refusing(429, head=b"retry-after: 7\r\n")))]
OVERLOADED = [forever(read_request(), send(refusing(503)))]


@pytest.fixture
def gone() -> str:
    """Give a URL where nobody listens."""
    with in_background(serving(read_request())) as server:
        return server.url


class Several:
    """Registers LLMs with an endpoint per script; an upstream that is a text is only a URL."""

    def __init__(self, upstream: Upstreams, stack: ExitStack) -> None:
        self._upstream = upstream
        self._stack = stack
        self.servers: list[ScriptedUpstream] = []

    def __call__(self, *scripts: list[Step] | str, regions: tuple[str, ...] = ()) -> str:
        urls: list[dict[str, str]] = []
        for script in scripts:
            base = script if isinstance(script, str) else self._serve(script)
            urls.append({"url": f"{base}/v1/chat/completions"})
        for url, region in zip(urls, regions, strict=False):
            url["region"] = region
        name, _ = self._stack.enter_context(self._upstream(read_request(), urls=urls))
        return name

    def _serve(self, script: list[Step]) -> str:
        server = self._stack.enter_context(in_background(serving(*script)))
        self.servers.append(server)
        return server.url

    @property
    def asked(self) -> list[int]:
        return [len(server.requests) for server in self.servers]


@pytest.fixture
def several(upstream: Upstreams) -> Iterator[Several]:
    with ExitStack() as stack:
        yield Several(upstream, stack)


def call(client: httpx2.Client, name: str, **headers: str) -> httpx2.Response:
    return client.post(CHAT, json={"model": name}, headers=headers)


def test_a_rate_limit_and_a_closed_port_lead_to_the_next(
    client: httpx2.Client, several: Several, gone: str
) -> None:
    name = several(LIMITED, gone, ANSWERING, regions=("eu-west-1", "us-east-1"))
    answer = call(client, name)
    assert answer.status_code == 200
    assert answer.headers["x-dragoman-attempts"] == "eu-west-1=429, us-east-1=connect, 3=200"
    assert several.asked == [1, 1]


def test_when_all_fail_the_way_is_told_too(
    client: httpx2.Client, several: Several, gone: str
) -> None:
    answer = call(client, several(LIMITED, OVERLOADED, gone))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["x-dragoman-attempts"] == "1=429, 2=503, 3=connect"
    assert "x-dragoman-llm" in answer.headers
    assert error_of(answer)["type"] == "upstream_error"


@pytest.mark.parametrize("broken", [[cut()], [send(refusing(500))], [send(refusing(502))]])
def test_a_completion_that_may_have_been_made_is_not_made_again(
    client: httpx2.Client, several: Several, broken: list[Step]
) -> None:
    answer = call(client, several([read_request(), *broken], ANSWERING))
    assert answer.status_code == 502
    assert several.asked == [1, 0]


def test_the_region_that_is_asked_for_is_called(client: httpx2.Client, several: Several) -> None:
    name = several(ANSWERING, ANSWERING, regions=("eu-west-1", "us-east-1"))
    path = "x-dragoman-attempts"
    assert call(client, name).headers[path] == "eu-west-1=200"
    assert call(client, name, **{"x-dragoman-region": "us-east-1"}).headers[path] == "us-east-1=200"


@pytest.mark.parametrize("odd", ["", "eu, us", "a" * 65])
def test_a_region_that_is_none_is_the_callers_fault(
    client: httpx2.Client, several: Several, odd: str
) -> None:
    answer = call(client, several(ANSWERING), **{"x-dragoman-region": odd})
    assert answer.status_code == 400
    assert answer.headers["x-dragoman-fault"] == "caller"
    assert error_of(answer)["code"] == "invalid_region"
    assert several.asked == [0]


def test_an_llm_with_one_endpoint_does_not_speak_of_attempts(
    client: httpx2.Client, several: Several
) -> None:
    name = several(OVERLOADED)
    for _ in range(2):  # one that failed is asked all the same
        answer = call(client, name)
        assert answer.status_code == 503
        assert "x-dragoman-attempts" not in answer.headers
    assert several.asked == [2]


def test_one_deadline_holds_for_all(client: httpx2.Client, several: Several) -> None:
    """The first endpoint accepts and never speaks TLS: connecting takes what it may."""
    silent = several._serve([read_request()]).replace("http://", "https://")
    name = several(silent, silent, silent)
    answer = client.patch(
        f"/api/v1/llms/{client.get(f'/v1/models/{name}').json()['llm_id']}",
        json={"timeouts": {"connect_s": 0.2, "total_s": 0.3}},
        headers={"content-type": "application/merge-patch+json"},
    )
    assert answer.status_code == 200, answer.text
    answer = call(client, name)
    assert answer.status_code == 504
    assert answer.headers["x-dragoman-attempts"] == "1=connect, 2=connect"
