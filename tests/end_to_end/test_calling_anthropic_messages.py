"""An LLM that speaks Anthropic's Messages is called by OpenAI's SDK, against a real engine."""

import json
from collections.abc import Iterator
from typing import Any

import openai as sdk
import pytest
from openai import OpenAI

from tests.end_to_end.conftest import ENGINE_KEY
from tests.end_to_end.test_calling_an_llm import ABOUT_BERLIN, WEATHER_TOOL
from tests.engine.language import plain_answer, tool_result_answer
from tests.engine.server import Engine
from tests.running import RunningDragoman, registration

BOTH = ("my-llm", "my-messages")
"""One engine, by its chat completions and by its messages."""


@pytest.fixture(autouse=True, scope="module")
def registered(dragoman: RunningDragoman, engine: Engine, llm_id: str) -> Iterator[str]:
    """Register the engine's other endpoint through Anam's API."""
    body = registration(
        f"{engine.base_url}/messages",
        displayName="my-messages",
        llmFormat="anthropic",
        secret=ENGINE_KEY,
    )
    with dragoman.client() as client:
        answer = client.post("/anam/v1/llms", json=body)
        assert answer.status_code == 201, answer.text
        yield str(answer.json()["id"])
        client.delete(f"/anam/v1/llms/{answer.json()['id']}")


def test_it_is_listed_among_what_may_be_called(openai: OpenAI, registered: str) -> None:
    listed = openai.models.retrieve("my-messages")
    assert (listed.model_extra or {})["llm_id"] == registered


def test_both_of_the_engines_endpoints_give_the_same_answer(openai: OpenAI) -> None:
    answers = [
        openai.chat.completions.create(model=model, messages=ABOUT_BERLIN, temperature=0)
        for model in BOTH
    ]
    direct, translated = (answer.choices[0] for answer in answers)
    assert translated.message.content == direct.message.content == plain_answer("Berlin")
    assert translated.finish_reason == direct.finish_reason == "stop"
    taken = [answer.usage for answer in answers]
    assert taken[0] is not None
    assert taken[1] is not None
    assert taken[1].total_tokens == taken[0].total_tokens


def test_a_translated_stream_is_the_whole_answer_in_pieces(openai: OpenAI) -> None:
    stream = openai.chat.completions.create(
        model="my-messages",
        messages=ABOUT_BERLIN,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    texts = [choice.delta.content for choice in choices if choice.delta.content]
    assert len(texts) > 5
    assert "".join(texts) == plain_answer("Berlin")
    assert choices[-1].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens >= len(texts)


@pytest.mark.parametrize("choice", ["auto", "required", "get_weather"])
def test_a_tool_is_called_and_its_result_is_used(openai: OpenAI, choice: str) -> None:
    named = {"type": "function", "function": {"name": choice}}
    wanted: Any = named if choice == "get_weather" else choice
    asked: Any = [{"role": "user", "content": "How is the weather in Tokyo?"}]
    told: Any = {"model": "my-messages", "tools": [WEATHER_TOOL], "temperature": 0}
    first = openai.chat.completions.create(**told, messages=asked, tool_choice=wanted)
    assert first.choices[0].finish_reason == "tool_calls"
    [call] = first.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Tokyo"}

    called: Any = first.choices[0].message.model_dump()
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "Sunny in Tokyo."}
    second = openai.chat.completions.create(**told, messages=[*asked, called, result])
    assert second.choices[0].message.content == tool_result_answer("Tokyo")


def test_several_calls_and_their_results_in_another_order_are_understood(openai: OpenAI) -> None:
    calls = [
        {
            "id": f"call_{city}",
            "type": "function",
            "function": {"name": "get_weather", "arguments": json.dumps({"city": city})},
        }
        for city in ("Paris", "Tokyo")
    ]
    talk: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How is the weather in Paris and in Tokyo?"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_Tokyo", "content": "Rain in Tokyo."},
        {"role": "tool", "tool_call_id": "call_Paris", "content": "Sun in Paris."},
    ]
    for model in BOTH:
        answer = openai.chat.completions.create(
            model=model, messages=talk, tools=[WEATHER_TOOL], temperature=0
        )
        assert answer.choices[0].message.content == tool_result_answer("Paris")


def test_a_streamed_tool_call_arrives_whole(openai: OpenAI) -> None:
    with openai.chat.completions.stream(
        model="my-messages",
        messages=[{"role": "user", "content": "How is the weather in London?"}],
        tools=[WEATHER_TOOL],
        temperature=0,
    ) as stream:
        choice = stream.get_final_completion().choices[0]
    [call] = choice.message.tool_calls or []
    assert choice.finish_reason == "tool_calls"
    assert call.id
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "London"}


@pytest.mark.parametrize(
    ("asked", "reason", "content"),
    [
        ({"max_completion_tokens": 3}, "length", "Hello! This tiny"),
        ({"stop": ["model"]}, "stop", "Hello! This tiny "),
    ],
)
def test_limits_reach_the_engine(
    openai: OpenAI, asked: dict[str, Any], reason: str, content: str
) -> None:
    answer = openai.chat.completions.create(model="my-messages", messages=ABOUT_BERLIN, **asked)
    assert (answer.choices[0].finish_reason, answer.choices[0].message.content) == (reason, content)


def test_what_cannot_be_expressed_is_refused_by_name(openai: OpenAI) -> None:
    with pytest.raises(sdk.BadRequestError) as refused:
        openai.chat.completions.create(
            model="my-messages", messages=ABOUT_BERLIN, seed=1, logprobs=True
        )
    assert refused.value.param == "seed"
    assert "seed: " in str(refused.value)
    assert "logprobs: " in str(refused.value)


def test_a_key_that_the_engine_refuses_is_our_fault(
    dragoman: RunningDragoman, openai: OpenAI, engine: Engine
) -> None:
    body = registration(
        f"{engine.base_url}/messages",
        displayName="wrong-messages-key",
        llmFormat="anthropic",
        secret="sk-wrong-key",
    )
    with dragoman.client() as client:
        assert client.post("/anam/v1/llms", json=body).status_code == 201
    with pytest.raises(sdk.InternalServerError) as refused:
        openai.chat.completions.create(model="wrong-messages-key", messages=ABOUT_BERLIN)
    assert refused.value.status_code == 502
    assert "refused the stored credential" in str(refused.value)
