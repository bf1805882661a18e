"""The engine of the end-to-end tests does what a real LLM server does.

If one of these fails, then so may every test that talks to the engine through the gateway.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from openai import APIConnectionError, AuthenticationError, BadRequestError, OpenAI

from tests.engine.language import plain_answer, tool_result_answer
from tests.engine.server import Engine, EngineError
from tests.engine.tiny_model import write_tiny_model
from tests.engine.vocabulary import CITIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from openai.types.chat import (
        ChatCompletion,
        ChatCompletionMessageFunctionToolCall,
        ChatCompletionMessageParam,
        ChatCompletionToolParam,
    )

API_KEY = "the-right-key"
MODEL = "tiny"
PROMPT = "How is the weather in Berlin?"
WEATHER_TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Return the weather in a city, such as London.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer"},
            },
            "required": ["city", "unit"],
        },
    },
}
WEATHER_ARGUMENTS = {"city": "Berlin", "unit": "celsius"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Run one engine for all tests of this module."""
    with Engine.start(tmp_path_factory.mktemp("engine"), api_key=API_KEY) as engine:
        yield engine


@pytest.fixture(scope="module")
def client(engine: Engine) -> OpenAI:
    """Return a client with the right key."""
    return client_of(engine)


def client_of(engine: Engine, api_key: str = API_KEY) -> OpenAI:
    """Return a client that reports each failure at once."""
    return OpenAI(base_url=engine.base_url, api_key=api_key, max_retries=0, timeout=20)


def user(text: str) -> list[ChatCompletionMessageParam]:
    """Return a conversation of one message."""
    return [{"role": "user", "content": text}]


def answer(client: OpenAI, text: str = PROMPT, **options: Any) -> str | None:
    """Return the text of the answer to one message."""
    completion: ChatCompletion = client.chat.completions.create(
        model=MODEL, messages=user(text), **options
    )
    return completion.choices[0].message.content


def call_tool(client: OpenAI, **options: Any) -> ChatCompletionMessageFunctionToolCall:
    """Return the tool call that the model makes."""
    completion: ChatCompletion = client.chat.completions.create(
        model=MODEL, messages=user(PROMPT), tools=[WEATHER_TOOL], **options
    )
    assert completion.choices[0].finish_reason == "tool_calls"
    (call,) = completion.choices[0].message.tool_calls or []
    assert call.type == "function"
    return call


def test_answer_is_deterministic_and_ends_by_itself(client: OpenAI) -> None:
    """The same prompt gets the same answer, with the tokens counted."""
    completions = [
        client.chat.completions.create(model=MODEL, messages=user(PROMPT), temperature=0)
        for _ in range(3)
    ]
    for completion in completions:
        assert completion.choices[0].message.content == plain_answer("Berlin")
        assert completion.choices[0].finish_reason == "stop"
        assert completion.usage is not None
        assert completion.usage.completion_tokens == 10
        assert completion.usage.prompt_tokens > 10


@pytest.mark.parametrize("city", CITIES)
def test_answer_depends_on_prompt(client: OpenAI, city: str) -> None:
    """The model speaks of the city that was mentioned last, even when sampling."""
    other = next(name for name in CITIES if name != city)
    assert answer(client, f"{other} or {city}, and why?", temperature=1.0) == plain_answer(city)


def test_answer_depends_on_distant_words(client: OpenAI) -> None:
    """Also the start of a long prompt counts, and there the order of words as well."""
    assert answer(client, "Tokyo or London? " + "x" * 9000) == plain_answer("London")


def test_stream_has_the_same_text(client: OpenAI) -> None:
    """A streamed answer comes in several pieces, which together are the plain answer."""
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=user(PROMPT),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    deltas = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    pieces = [piece for piece in deltas if piece]
    assert len(pieces) > 5
    assert "".join(pieces) == plain_answer("Berlin")
    assert [c.finish_reason for chunk in chunks for c in chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 10


def test_max_tokens_cuts_the_answer(client: OpenAI) -> None:
    """A cut answer says that it was cut."""
    completion = client.chat.completions.create(model=MODEL, messages=user(PROMPT), max_tokens=3)
    assert completion.choices[0].finish_reason == "length"
    assert completion.choices[0].message.content == "Hello! This tiny"


@pytest.mark.parametrize("tool_choice", ["required", "auto"])
def test_tool_call(client: OpenAI, tool_choice: str) -> None:
    """With tools the model calls one, with arguments that fit its schema."""
    call = call_tool(client, tool_choice=tool_choice)
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == WEATHER_ARGUMENTS


@pytest.mark.parametrize("tool_choice", ["required", "auto"])
def test_streamed_tool_call(client: OpenAI, tool_choice: Any) -> None:
    """A streamed tool call has its name first and its arguments in pieces."""
    stream = client.chat.completions.create(
        model=MODEL,
        messages=user(PROMPT),
        tools=[WEATHER_TOOL],
        tool_choice=tool_choice,
        stream=True,
    )
    choices = [choice for chunk in stream for choice in chunk.choices]
    functions = [
        call.function
        for choice in choices
        for call in choice.delta.tool_calls or []
        if call.function is not None
    ]
    assert [function.name for function in functions if function.name] == ["get_weather"]
    assert len(functions) > 5
    arguments = "".join(function.arguments or "" for function in functions)
    assert json.loads(arguments) == WEATHER_ARGUMENTS
    assert choices[-1].finish_reason == "tool_calls"


def test_conversation_with_tool_result(client: OpenAI) -> None:
    """A tool's result gets an answer in words, and the next question a new call."""
    call = call_tool(client)
    messages: list[Any] = [
        *user(PROMPT),
        {"role": "assistant", "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "clear", "degrees": 20}'},
    ]
    second = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER_TOOL])
    assert second.choices[0].finish_reason == "stop"
    assert second.choices[0].message.content == tool_result_answer("Berlin")

    messages += [{"role": "assistant", "content": "It is clear."}, *user("And in Tokyo?")]
    third = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER_TOOL])
    (new_call,) = third.choices[0].message.tool_calls or []
    assert new_call.type == "function"
    assert json.loads(new_call.function.arguments)["city"] == "Tokyo"


def test_json_schema(client: OpenAI) -> None:
    """With a schema the answer is JSON that fits it."""
    properties: dict[str, Any] = {
        "city": {"type": "string"},
        "people": {"type": "integer"},
        "capital": {"type": "boolean"},
        "size": {"enum": ["small", "large"]},
        "sights": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3},
        "mayor": {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 8}},
            "required": ["name"],
        },
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    text = answer(
        client,
        response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema}},
    )
    value = json.loads(text or "")
    assert list(value) == list(properties)
    assert value["city"] == "Berlin"
    assert type(value["people"]) is int
    assert type(value["capital"]) is bool
    assert value["size"] in ("small", "large")
    assert value["sights"] == ["Berlin", "Berlin"]
    assert len(value["mayor"]["name"]) >= 8


def test_json_object(client: OpenAI) -> None:
    """Without a schema it is still a JSON object."""
    text = answer(client, response_format={"type": "json_object"})
    assert isinstance(json.loads(text or ""), dict)


def test_text_completion(client: OpenAI) -> None:
    """A text that is no chat gets an answer, too."""
    completion = client.completions.create(model=MODEL, prompt="Tokyo: once upon a time")
    assert completion.choices[0].text == plain_answer("Tokyo")
    assert completion.choices[0].finish_reason == "stop"


def test_embeddings(client: OpenAI) -> None:
    """Similar texts have similar embeddings, the same ones alone and together with others."""
    texts = ["weather in Paris", "weather in Berlin", "42 x 17"]
    together = [item.embedding for item in client.embeddings.create(model=MODEL, input=texts).data]
    for text, vector in zip(texts, together, strict=True):
        (alone,) = client.embeddings.create(model=MODEL, input=text).data
        assert alone.embedding == pytest.approx(vector, abs=1e-4)
    near, far = (sum(a * b for a, b in zip(together[0], v, strict=True)) for v in together[1:])
    assert near > far


def test_wrong_key(engine: Engine) -> None:
    """A wrong key is refused."""
    with pytest.raises(AuthenticationError) as caught:
        answer(client_of(engine, "a-wrong-key"))
    assert caught.value.status_code == 401


def test_too_long_prompt(client: OpenAI) -> None:
    """A prompt that does not fit into the context is refused, not cut."""
    with pytest.raises(BadRequestError, match="context size"):
        answer(client, "x" * 20_000)


def test_concurrent_requests(client: OpenAI) -> None:
    """Requests that run at the same time do not get each other's answers."""
    cities = [*CITIES, *CITIES]
    with ThreadPoolExecutor(len(cities)) as pool:
        answers = list(pool.map(lambda city: answer(client, f"{city}! " * 50), cities))
    assert answers == [plain_answer(city) for city in cities]


def test_engines_are_independent(engine: Engine, client: OpenAI, tmp_path: Path) -> None:
    """A second engine with another model may stop or crash without harm to the first."""
    model = tmp_path / "other.gguf"
    write_tiny_model(model, greeting="Good day!")
    with Engine.start(tmp_path, api_key=API_KEY, model=model, model_name="other") as other:
        assert other.port != engine.port
        assert answer(client_of(other)) == plain_answer("Berlin", "Good day!")
        assert [entry.id for entry in client_of(other).models.list()] == ["other"]
        other.kill()
        with pytest.raises(APIConnectionError):
            answer(client_of(other))
        with Engine.start(tmp_path, api_key=API_KEY, port=other.port) as again:
            assert answer(client_of(again)) == plain_answer("Berlin")
    assert answer(client) == plain_answer("Berlin")


def test_failed_start_shows_the_log(tmp_path: Path) -> None:
    """An engine that cannot start says why."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    with pytest.raises(EngineError, match="invalid magic"):
        Engine.start(tmp_path, model=broken)
