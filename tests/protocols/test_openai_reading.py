"""What a caller asks for is read strictly: all that is wrong is named, and nothing repeated."""

from typing import Any

import pytest

from dragoman.domain.chat import (
    Assistant,
    Audio,
    Authority,
    ChatRequest,
    Data,
    Effort,
    File,
    Image,
    Instruction,
    JsonObject,
    Link,
    RedactedThought,
    Refusal,
    Text,
    Thought,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolUse,
    User,
)
from dragoman.domain.errors import Invalid, dotted
from tests.protocols.transcripts import chat_of

USER = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "function": {"name": "f"}}

MESSAGES: list[tuple[dict[str, Any], Any]] = [
    ({"role": "system", "content": "s"}, Instruction((Text("s"),))),
    (
        {"role": "developer", "content": [{"type": "text", "text": "d"}], "name": "n"},
        Instruction((Text("d"),), Authority.DEVELOPER, "n"),
    ),
    ({"role": "user", "content": ""}, User((Text(""),))),
    ({"role": "user", "content": "u", "name": None}, User((Text("u"),))),
    (
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://a.example", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/PNG;base64,AA=="}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f1"}},
                {"type": "file", "file": {"file_data": "data:a/b;x=y;base64,", "filename": "n"}},
            ],
        },
        User(
            (
                Image(Link("https://a.example"), "low"),
                Image(Data("image/png", "AA==")),
                Audio("AA==", "wav"),
                File(id="f1"),
                File(data=Data("a/b;x=y", ""), name="n"),
            )
        ),
    ),
    ({"role": "tool", "tool_call_id": "c", "content": "r"}, ToolResult("c", (Text("r"),))),
    ({"role": "assistant"}, Assistant(())),
    (
        # as the SDK writes an answer again, which was put together from a stream
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "annotations": [],
            "audio": None,
            "function_call": None,
            "tool_calls": [
                {"id": "c", "index": 0, "type": "function", "function": {"name": "f"}},
                {"id": "d", "function": {"name": "g", "arguments": "not JSON"}},
            ],
        },
        Assistant((ToolCall("c", "f", ""), ToolCall("d", "g", "not JSON"))),
    ),
    (
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}],
            "refusal": "c",
            "reasoning_content": "left out, for the details say it too",
            "reasoning_details": [
                {"type": "reasoning.text", "index": 0, "text": "t", "signature": "s"},
                {"type": "reasoning.encrypted", "index": 1, "data": "d"},
            ],
        },
        Assistant((Thought("t", "s"), RedactedThought("d"), Text("a"), Refusal("b"), Refusal("c"))),
    ),
    (
        {"role": "assistant", "content": "a", "reasoning": "t"},
        Assistant((Thought("t"), Text("a"))),
    ),
]


@pytest.mark.parametrize(("message", "meant"), MESSAGES)
def test_what_each_message_means(message: dict[str, Any], meant: object) -> None:
    assert chat_of({"messages": [message]}).messages == (meant,)


PARAMETERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"temperature": 1}, {"temperature": 1.0}),
    ({"stop": "a"}, {"stop": ("a",)}),
    ({"stop": ["a", "b"]}, {"stop": ("a", "b")}),
    ({"max_tokens": 5}, {"max_tokens": 5}),
    ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_tokens": 6}),
    ({"user": "u"}, {"user": "u"}),
    ({"user": "u", "safety_identifier": "s"}, {"user": "s"}),
    ({"reasoning_effort": "xhigh"}, {"reasoning_effort": Effort.XHIGH}),
    ({"tool_choice": "none"}, {"tool_choice": ToolChoice(ToolUse.NONE)}),
    ({"tool_choice": FUNCTION}, {"tool_choice": ToolChoice(ToolUse.REQUIRED, ("f",))}),
    ({"response_format": {"type": "text"}}, {}),
    ({"response_format": {"type": "json_object"}}, {"response_format": JsonObject()}),
    ({"stream": True, "stream_options": {"include_usage": True}}, {"include_usage": True}),
    ({"stream_options": {"include_obfuscation": False}}, {}),
    ({"n": None, "tools": None, "temperature": None, "anything": None}, {}),
    ({"logit_bias": {}}, {}),
]


@pytest.mark.parametrize(("asked", "meant"), PARAMETERS)
def test_what_each_parameter_means(asked: dict[str, Any], meant: dict[str, Any]) -> None:
    plain = chat_of({"messages": [USER]})
    found = chat_of({"model": "m", "messages": [USER], **asked})
    differing = {
        name: getattr(found, name)
        for name in ChatRequest.__struct_fields__
        if getattr(found, name) != getattr(plain, name) and name != "stream"
    }
    assert differing == meant


def test_members_that_are_not_known_are_kept_as_they_came() -> None:
    chat = chat_of({"messages": [USER], "prediction": {"type": "content"}, "store": False})
    assert {name: bytes(raw) for name, raw in chat.others.items()} == {
        "prediction": b'{"type": "content"}',
        "store": b"false",
    }


def said(*parts: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [USER, {"role": role, "content": [*parts]}]}


def with_user(**members: Any) -> dict[str, Any]:
    return {"messages": [USER], **members}


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["messages"]),
    ({"messages": []}, ["messages"]),
    ({"messages": "hi"}, ["messages"]),
    ({"messages": [1]}, ["messages.0", "messages.0.role"]),
    ({"messages": [{}]}, ["messages.0.role"]),
    ({"messages": [{"role": "robot", "content": "SECRET"}]}, ["messages.0.role"]),
    ({"messages": [{"role": "user"}]}, ["messages.0.content"]),
    ({"messages": [{"role": "user", "content": 7}]}, ["messages.0.content"]),
    ({"messages": [{"role": "tool", "content": "r"}]}, ["messages.0.tool_call_id"]),
    ({"messages": [USER | {"cache_control": {"a": 1}}]}, ["messages.0.cache_control"]),
    (said({"type": "SECRET"}), ["messages.1.content.0.type"]),
    (said({"text": "a"}), ["messages.1.content.0.type"]),
    (said({"type": "text"}), ["messages.1.content.0.text"]),
    (said({"type": "text", "text": 1}), ["messages.1.content.0.text"]),
    (said({"type": "image_url"}), ["messages.1.content.0.image_url"]),
    (
        said({"type": "image_url", "image_url": {"url": "ftp://SECRET"}}),
        ["messages.1.content.0.image_url.url"],
    ),
    (
        said({"type": "image_url", "image_url": {"url": "data:image/png,SECRET"}}),
        ["messages.1.content.0.image_url.url"],
    ),
    (
        said({"type": "file", "file": {"file_data": "SECRET"}}),
        ["messages.1.content.0.file.file_data"],
    ),
    (said({"type": "image_url", "image_url": {}}, role="system"), ["messages.1.content.0.type"]),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]},
        ["messages.0.tool_calls.0.id", "messages.0.tool_calls.0.function.name"],
    ),
    (
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "function": {}}]}
            ]
        },
        ["messages.0.tool_calls.0.type", "messages.0.tool_calls.0.function.name"],
    ),
    (
        {"messages": [{"role": "assistant", "function_call": {"name": "f"}}]},
        ["messages.0.function_call"],
    ),
    (with_user(temperature=3), ["temperature"]),
    (with_user(temperature="SECRET"), ["temperature"]),
    (with_user(top_p=-0.1, n=0, seed=1.5, stream="x"), ["top_p", "n", "seed", "stream"]),
    (with_user(max_tokens=0), ["max_tokens"]),
    (with_user(max_completion_tokens=-1), ["max_completion_tokens"]),
    (with_user(stop=["a", 1]), ["stop.1"]),
    (with_user(reasoning_effort="SECRET"), ["reasoning_effort"]),
    (with_user(stream_options={"x": 1}), ["stream_options.x"]),
    (with_user(tools={}), ["tools"]),
    (with_user(tools=[{"type": "custom", "custom": {"name": "SECRET"}}]), ["tools.0.type"]),
    (with_user(tools=[{"type": "function", "function": {}}]), ["tools.0.function.name"]),
    (
        with_user(tools=[{"type": "function", "function": {"name": "f", "parameters": 1}}]),
        ["tools.0.function.parameters"],
    ),
    (with_user(tool_choice="SECRET"), ["tool_choice"]),
    (with_user(tool_choice={"type": "SECRET"}), ["tool_choice.type"]),
    (with_user(tool_choice={"type": "function"}), ["tool_choice.function"]),
    (
        with_user(tool_choice={"type": "allowed_tools", "allowed_tools": {"tools": [{}]}}),
        ["tool_choice.allowed_tools.mode", "tool_choice.allowed_tools.tools.0.function"],
    ),
    (with_user(response_format={"type": "SECRET"}), ["response_format.type"]),
    (
        with_user(response_format={"type": "json_schema", "json_schema": {"schema": 1}}),
        ["response_format.json_schema.schema", "response_format.json_schema.name"],
    ),
    (with_user(logit_bias=[]), ["logit_bias"]),
]


@pytest.mark.parametrize(("asked", "paths"), WRONG)
def test_everything_that_is_wrong_is_named_and_not_repeated(
    asked: dict[str, Any], paths: list[str]
) -> None:
    with pytest.raises(Invalid) as invalid:
        chat_of(asked)
    found = [dotted(problem.path) for problem in invalid.value.problems]
    assert sorted(found) == sorted(paths), invalid.value.message
    assert "SECRET" not in invalid.value.message
