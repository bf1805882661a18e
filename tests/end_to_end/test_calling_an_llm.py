"""What is registered through Anam's API is called by OpenAI's SDK, against a real engine."""

import json
from typing import Any

import openai as sdk
import pytest
from openai import OpenAI

from tests.end_to_end.conftest import ENGINE_KEY
from tests.engine.language import plain_answer, tool_result_answer
from tests.engine.server import Engine
from tests.running import RunningDragoman, registration

ABOUT_BERLIN: Any = [{"role": "user", "content": "Tell me about Berlin."}]
WEATHER_TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def test_an_llm_answers_by_its_name_and_by_its_id(openai: OpenAI, llm_id: str) -> None:
    for model in ("my-llm", llm_id):
        answer = openai.chat.completions.create(model=model, messages=ABOUT_BERLIN, temperature=0)
        assert answer.choices[0].message.content == plain_answer("Berlin")
        assert answer.choices[0].finish_reason == "stop"


def test_a_streamed_answer_is_the_whole_answer_in_pieces(openai: OpenAI) -> None:
    stream = openai.chat.completions.create(
        model="my-llm", messages=ABOUT_BERLIN, temperature=0, stream=True
    )
    chunks = list(stream)
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert len(texts) > 5
    assert "".join(texts) == plain_answer("Berlin")
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_stream_comes_as_the_engine_sends_it(
    dragoman: RunningDragoman, engine: Engine, llm_id: str
) -> None:
    body = {"messages": ABOUT_BERLIN, "temperature": 0, "stream": True, "seed": 1}
    with dragoman.client() as through, dragoman.client(ENGINE_KEY) as direct:
        relayed = through.post("/v1/chat/completions", json={"model": llm_id, **body})
        original = direct.post(
            f"{engine.base_url}/chat/completions", json={"model": "tiny", **body}
        )
    assert relayed.headers["content-type"] == original.headers["content-type"]
    assert _without_what_differs(relayed.text) == _without_what_differs(original.text)
    assert relayed.text.endswith("data: [DONE]\n\n")


def test_a_tool_is_called_and_its_result_is_used(openai: OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "How is the weather in Tokyo?"}]
    first = openai.chat.completions.create(
        model="my-llm", messages=asked, tools=[WEATHER_TOOL], temperature=0
    )
    assert first.choices[0].finish_reason == "tool_calls"
    call: Any = (first.choices[0].message.tool_calls or [])[0]
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Tokyo"}

    called = first.choices[0].message.model_dump(exclude_none=True)
    told = {"role": "tool", "tool_call_id": call.id, "content": "Sunny in Tokyo."}
    talk: Any = [*asked, called, told]
    second = openai.chat.completions.create(
        model="my-llm", messages=talk, tools=[WEATHER_TOOL], temperature=0
    )
    assert second.choices[0].message.content == tool_result_answer("Tokyo")


def test_a_streamed_tool_call_arrives_whole(openai: OpenAI) -> None:
    stream = openai.chat.completions.create(
        model="my-llm",
        messages=[{"role": "user", "content": "How is the weather in London?"}],
        tools=[WEATHER_TOOL],
        temperature=0,
        stream=True,
    )
    name, arguments = "", ""
    for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or []:
            assert call.function is not None
            name += call.function.name or ""
            arguments += call.function.arguments or ""
    assert (name, json.loads(arguments)) == ("get_weather", {"city": "London"})


def test_models_lists_what_may_be_called(openai: OpenAI, llm_id: str) -> None:
    listed = {model.id: model for model in openai.models.list()}
    assert listed["my-llm"].model_extra is not None
    assert listed["my-llm"].model_extra["llm_id"] == llm_id
    assert openai.models.retrieve("my-llm").id == "my-llm"
    with pytest.raises(sdk.NotFoundError):
        openai.models.retrieve("nothing")


def test_stored_defaults_fill_what_the_caller_leaves_out(
    dragoman: RunningDragoman, openai: OpenAI, engine: Engine
) -> None:
    body = registration(
        f"{engine.base_url}/chat/completions",
        displayName="short",
        secret=ENGINE_KEY,
        temperature=0,
        maxTokens=3,
    )
    with dragoman.client() as client:
        assert client.post("/anam/v1/llms", json=body).status_code == 201
    cut = openai.chat.completions.create(model="short", messages=ABOUT_BERLIN)
    assert cut.choices[0].finish_reason == "length"
    whole = openai.chat.completions.create(model="short", messages=ABOUT_BERLIN, max_tokens=100)
    assert whole.choices[0].message.content == plain_answer("Berlin")


def test_a_key_that_the_engine_refuses_is_our_fault_not_the_callers(
    dragoman: RunningDragoman, openai: OpenAI, engine: Engine
) -> None:
    body = registration(
        f"{engine.base_url}/chat/completions", displayName="wrong-key", secret="sk-wrong-key"
    )
    with dragoman.client() as client:
        assert client.post("/anam/v1/llms", json=body).status_code == 201
    with pytest.raises(sdk.InternalServerError) as refused:
        openai.chat.completions.create(model="wrong-key", messages=ABOUT_BERLIN)
    assert refused.value.status_code == 502
    assert refused.value.type == "upstream_error"
    assert "refused the stored credential" in str(refused.value)
    assert "sk-wrong-key" not in str(refused.value)


def test_a_changed_and_a_deleted_llm_is_felt_by_the_next_call(
    dragoman: RunningDragoman, openai: OpenAI, engine: Engine
) -> None:
    with dragoman.client() as client:
        body = registration(
            f"{engine.base_url}/chat/completions", displayName="passing", secret=ENGINE_KEY
        )
        llm_id = client.post("/anam/v1/llms", json=body).json()["id"]
        openai.chat.completions.create(model="passing", messages=ABOUT_BERLIN, max_tokens=1)
        assert client.delete(f"/anam/v1/llms/{llm_id}").status_code == 204
    eventually_refused(openai, "passing", sdk.NotFoundError)


def eventually_refused(openai: OpenAI, model: str, kind: type[Exception]) -> None:
    """Call until the refusal has reached both workers; it may take them a second."""
    refusals = 0
    for _ in range(200):
        try:
            openai.chat.completions.create(model=model, messages=ABOUT_BERLIN, max_tokens=1)
            refusals = 0
        except kind:
            refusals += 1
            if refusals == 20:
                return
    pytest.fail("the call still goes through")


def _without_what_differs(events: str) -> list[Any]:
    """Read a stream's events without ids, times and timings, which differ with every call."""
    parsed = []
    for line in events.splitlines():
        if line.startswith("data: {"):
            event = json.loads(line.removeprefix("data: "))
            for name in ("id", "created", "timings"):
                event.pop(name, None)
            parsed.append(event)
    return parsed
