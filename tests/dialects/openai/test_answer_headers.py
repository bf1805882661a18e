"""What every answer of a call says about the call, as OpenAI's SDK shows it."""

import re
import time
from collections.abc import Iterator

import httpx2
import openai as sdk
import pytest
from openai import OpenAI

from tests.dialects.openai.conftest import Upstreams
from tests.dialects.openai.test_failing_upstreams import refusing
from tests.dialects.openai.test_refused_calls import CHAT, JSON
from tests.running import RunningDragoman
from tests.scripted_upstream import forever, read_request, send, wait

COMPLETION = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"tiny","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}'
)
WAITED_S = 0.25
ANSWERING = forever(read_request(), wait(WAITED_S), send(refusing(200, COMPLETION)))
OWN = re.compile(r"dragoman;dur=([0-9]+\.[0-9]{2})")
BOTH = re.compile(OWN.pattern + r", upstream;dur=([0-9]+\.[0-9]{2})")


@pytest.fixture
def llm(dragoman: RunningDragoman) -> OpenAI:
    return OpenAI(base_url=f"{dragoman.url}/v1", api_key=dragoman.admin_key, max_retries=0)


def milliseconds(form: re.Pattern[str], timing: str) -> list[float]:
    found = form.fullmatch(timing)
    assert found is not None, timing
    return [float(text) for text in found.groups()]


def test_an_answer_says_which_call_and_llm_it_is_of_and_where_the_time_went(
    client: httpx2.Client, llm: OpenAI, upstream: Upstreams
) -> None:
    with upstream(ANSWERING) as (name, _):
        llm_id = client.get(f"/v1/models/{name}").json()["llm_id"]
        raw = llm.chat.completions.with_raw_response.create(model=name, messages=[])
    assert raw.parse().choices[0].message.content == "Hi"
    assert raw.headers["x-request-id"] == raw.request_id
    assert raw.headers["x-dragoman-llm"] == llm_id
    assert "x-dragoman-fault" not in raw.headers
    assert "x-dragoman-stale" not in raw.headers
    own_ms, upstream_ms = milliseconds(BOTH, raw.headers["server-timing"])
    assert upstream_ms >= WAITED_S * 1000 - 1
    assert own_ms < WAITED_S * 1000, "what is waited for elsewhere is not our share"


def test_a_failure_says_as_much(client: httpx2.Client, llm: OpenAI, upstream: Upstreams) -> None:
    with upstream(forever(read_request(), wait(WAITED_S), send(refusing(400)))) as (name, _):
        llm_id = client.get(f"/v1/models/{name}").json()["llm_id"]
        with pytest.raises(sdk.BadRequestError) as refused:
            llm.chat.completions.create(model=name, messages=[])
    headers = refused.value.response.headers
    assert headers["x-request-id"] == refused.value.request_id
    assert headers["x-dragoman-llm"] == llm_id
    own_ms, upstream_ms = milliseconds(BOTH, headers["server-timing"])
    assert own_ms < WAITED_S * 1000 <= upstream_ms + 1


@pytest.mark.parametrize("body", [b"{", b'{"model": "nobody-has-this"}'])
def test_a_refused_request_says_what_is_known(client: httpx2.Client, body: bytes) -> None:
    answer = client.post(CHAT, content=body, headers=JSON)
    assert answer.is_client_error
    assert answer.headers["x-request-id"]
    assert "x-dragoman-llm" not in answer.headers
    milliseconds(OWN, answer.headers["server-timing"])


def test_a_body_that_comes_slowly_is_not_our_share(client: httpx2.Client) -> None:
    def slowly() -> Iterator[bytes]:
        yield b"{"
        time.sleep(WAITED_S)
        yield b"}"

    answer = client.post(CHAT, content=slowly(), headers=JSON)
    assert answer.status_code == 400
    [own_ms] = milliseconds(OWN, answer.headers["server-timing"])
    assert own_ms < WAITED_S * 1000


def test_an_upstream_does_not_write_these_headers(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    theirs = b"x-request-id: theirs\r\nx-dragoman-llm: theirs\r\nserver-timing: theirs\r\n"
    script = forever(read_request(), send(refusing(200, b"{}", theirs)))
    with upstream(script) as (name, _):
        answer = client.post(CHAT, json={"model": name})
    assert "theirs" not in str(answer.headers)
