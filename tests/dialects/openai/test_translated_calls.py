"""An LLM of Anthropic's format, called through the shipped server by callers of OpenAI's."""

import json
from typing import Any

import httpx2
import openai
import pytest

from tests.dialects.openai.conftest import Upstreams
from tests.dialects.openai.test_failing_upstreams import refusing
from tests.dialects.openai.test_refused_calls import CHAT, error_of
from tests.dialects.openai.test_usage import Noted, llm_id, noted
from tests.faults.answers import JSON, LAST_CHUNK, STREAM, chunk, plain
from tests.protocols.transcripts import Transcript, arguments, framed, of
from tests.running import RunningDragoman
from tests.scripted_upstream import Step, cut, forever, read_request, send, wait

__all__ = ["noted"]

ANTHROPIC = {"llmFormat": "anthropic", "modelName": "claude-opus-4-5"}
TEXT = of("anthropic", "text")
TOOLS = of("anthropic", "parallel_tools")
BEGUN = TEXT.events[:4]
FULL = framed({"type": "error", "error": {"type": "overloaded_error", "message": "full"}})


def streaming(events: list[bytes]) -> list[Step]:
    """Send a stream's events one by one, and end it well."""
    pieces = [send(chunk(event)) for event in events]
    return [read_request(), send(STREAM), *pieces, send(LAST_CHUNK)]


def asked(transcript: Transcript, name: str, **members: Any) -> dict[str, Any]:
    return transcript.caller | {"model": name} | members


def read_stream(client: httpx2.Client, body: dict[str, Any]) -> tuple[list[Any], bool, bytes]:
    """Give what a stream says, whether it ended well, and all of it as it came."""
    received, ended_well = b"", True
    try:
        with client.stream("POST", CHAT, json=body | {"stream": True}) as answer:
            for piece in answer.iter_raw():
                received += piece
    except httpx2.RemoteProtocolError:
        ended_well = False
    parts = received.decode().split("\n\n")[:-1]
    data = [part.removeprefix("data: ") for part in parts]
    return [json.loads(each) for each in data if each != "[DONE]"], ended_well, received


@pytest.mark.parametrize("transcript", [TEXT, TOOLS], ids=["text", "tools"])
@pytest.mark.parametrize("stream", [False, True])
def test_openais_sdk_hears_what_the_upstream_says(
    dragoman: RunningDragoman, upstream: Upstreams, transcript: Transcript, *, stream: bool
) -> None:
    answer = send(plain(transcript.body, JSON))
    script = streaming(transcript.events) if stream else [read_request(), answer]
    with (
        upstream(script, **ANTHROPIC) as (name, server),
        openai.OpenAI(base_url=f"{dragoman.url}/v1", api_key=dragoman.admin_key) as client,
    ):
        body: Any = asked(transcript, name)
        if stream:
            with client.chat.completions.stream(**body) as chunks:
                choice: Any = chunks.get_final_completion().choices[0]
        else:
            choice = client.chat.completions.create(**body).choices[0]
        [request] = server.requests
    assert json.loads(request.body) == transcript.sent | {
        "model": "claude-opus-4-5",
        **({"stream": True} if stream else {}),
    }
    assert choice.finish_reason == transcript.answer["finish_reason"]
    assert choice.message.content == transcript.answer["content"]
    calls = [
        {
            "id": call.id,
            "name": call.function.name,
            "arguments": arguments(call.function.arguments),
        }
        for call in choice.message.tool_calls or []
    ]
    assert calls == transcript.answer.get("tool_calls", [])


@pytest.mark.parametrize(
    "script",
    [[send(chunk(FULL)), send(LAST_CHUNK)], [send(LAST_CHUNK)], [cut()]],
    ids=["error", "end", "cut"],
)
def test_a_stream_that_fails_on_its_way_says_so_and_has_no_end(
    client: httpx2.Client, upstream: Upstreams, noted: Noted, script: list[Step]
) -> None:
    begun = [send(chunk(event)) for event in BEGUN]
    steps = [read_request(), send(STREAM), *begun, wait(0.1), *script]
    with upstream(steps, **ANTHROPIC) as (name, _):
        chunks, ended_well, received = read_stream(client, asked(TEXT, name))
        event = noted(llm_id=llm_id(client, name))
    assert not ended_well
    assert chunks[-1]["error"]["type"] == "upstream_error"
    said = [choice["delta"].get("content") for each in chunks[:-1] for choice in each["choices"]]
    assert said == ["", "Grüße"]
    assert b"[DONE]" not in received
    assert b'"finish_reason":"' not in received
    assert (event["outcome"], event["fault"], event["status"]) == ("failed", "upstream", 200)
    assert event["input_tokens"] == 21


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        ([send(refusing(529, b'{"type":"error","error":{"message":"full"}}'))], 503, "full"),
        ([send(STREAM), send(chunk(FULL)), send(LAST_CHUNK)], 503, "full"),
        ([send(STREAM), send(LAST_CHUNK)], 502, "before it was complete"),
        ([send(plain(b"<html>", JSON))], 502, "before it was complete"),
    ],
)
def test_a_stream_that_fails_before_its_first_event_is_an_error(
    client: httpx2.Client, upstream: Upstreams, script: list[Step], status: int, message: str
) -> None:
    with upstream([read_request(), *script], **ANTHROPIC) as (name, _):
        answer = client.post(CHAT, json=asked(TEXT, name, stream=True))
    assert answer.status_code == status
    assert answer.headers["x-dragoman-fault"] == "upstream"
    assert message in error_of(answer)["message"]


def test_what_was_taken_is_noted(client: httpx2.Client, upstream: Upstreams, noted: Noted) -> None:
    thought = of("anthropic", "thought_before_a_call")
    with upstream([read_request(), send(plain(thought.body, JSON))], **ANTHROPIC) as (name, _):
        answer = client.post(CHAT, json=asked(thought, name))
        event = noted(request_id=answer.headers["x-request-id"])
    assert event["outcome"] == "completed"
    assert (event["input_tokens"], event["output_tokens"]) == (952, 130)
    assert event["cache_read_input_tokens"] == 900
    assert event["cache_creation_input_tokens"] == 12
    assert event["reasoning_output_tokens"] == 101


def test_what_cannot_be_expressed_is_refused_and_nothing_is_sent(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    with upstream(forever(read_request(), send(plain(TEXT.body, JSON))), **ANTHROPIC) as (
        name,
        server,
    ):
        answer = client.post(CHAT, json=asked(TEXT, name, n=2, logit_bias={"1": 5}))
        assert server.peers == []
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == "n"
    assert error["message"].startswith("n: ")
    assert "logit_bias: " in error["message"]
