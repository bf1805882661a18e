"""What can be said in Anthropic's format is, and what cannot is refused by name."""

import json
from typing import Any

import pytest

from dragoman.domain.errors import Invalid, dotted
from dragoman.protocols import anthropic
from tests.protocols.transcripts import FORMATS, chat_of, configured

URL = FORMATS["anthropic"][2]
USER = {"role": "user", "content": "hi"}


def tool(name: str, **members: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **members}}


def choice(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *names: str) -> dict[str, Any]:
    tools = [choice(name) for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def sent(llm: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
    """Give the body that goes out."""
    chat = chat_of({"messages": [USER], **asked})
    wire = anthropic.encode(chat, configured("anthropic", **(llm or {})), URL)
    body: dict[str, Any] = json.loads(wire.body)
    return body


def refused(llm: dict[str, Any] | None = None, **asked: Any) -> list[str]:
    """Give the names of what is refused."""
    with pytest.raises(Invalid) as invalid:
        sent(llm, **asked)
    return [dotted(problem.path) for problem in invalid.value.problems]


REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"n": 2}, ["n"]),
    ({"seed": 0}, ["seed"]),
    ({"logprobs": True}, ["logprobs"]),
    ({"top_logprobs": 2}, ["top_logprobs"]),
    ({"logit_bias": {"1": 1}}, ["logit_bias"]),
    ({"frequency_penalty": 0.1}, ["frequency_penalty"]),
    ({"presence_penalty": -1}, ["presence_penalty"]),
    ({"temperature": 1.1}, ["temperature"]),
    ({"response_format": {"type": "json_object"}}, ["response_format.type"]),
    ({"store": True}, ["store"]),
    ({"metadata": {"a": "b"}}, ["metadata"]),
    ({"modalities": ["text", "audio"], "audio": {"voice": "x"}}, ["modalities", "audio"]),
    ({"service_tier": "flex"}, ["service_tier"]),
    ({"verbosity": "low"}, ["verbosity"]),
    ({"web_search_options": {}}, ["web_search_options"]),
    ({"prediction": {"type": "content"}}, ["prediction"]),
    ({"functions": [{"name": "f"}]}, ["functions"]),
    ({"thinking": {"type": "enabled"}}, ["thinking"]),
    ({"n": 2, "seed": 1, "x": 1}, ["n", "seed", "x"]),
    ({"tool_choice": "required"}, ["tool_choice"]),
    ({"tools": [tool("f")], "tool_choice": choice("g")}, ["tool_choice"]),
    ({"tools": [tool("f")], "tool_choice": allowed("auto", "f", "g")}, ["tool_choice"]),
    ({"messages": [USER | {"name": "ada"}]}, ["messages.0.name"]),
    ({"messages": [{"role": "user", "content": ""}]}, ["messages.0.content"]),
    (
        {"messages": [USER, {"role": "assistant", "content": "a", "reasoning_content": "t"}]},
        ["messages.1.reasoning_content"],
    ),
]


@pytest.mark.parametrize(("asked", "names"), REFUSED)
def test_what_cannot_be_expressed_is_refused_by_name(
    asked: dict[str, Any], names: list[str]
) -> None:
    assert refused(**asked) == names


PARTS: list[dict[str, Any]] = [
    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    {"type": "file", "file": {"file_id": "file-1"}},
    {"type": "file", "file": {"file_data": "data:audio/wav;base64,AA=="}},
    {"type": "file", "file": {"file_data": "data:text/plain;base64,not base64"}},
    {"type": "file", "file": {"file_data": "data:text/plain;base64,/w=="}},
    {"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA=="}},
    {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_cannot_be_expressed_is_refused(part: dict[str, Any]) -> None:
    text = {"type": "text", "text": "x"}
    names = refused(messages=[USER, {"role": "user", "content": [text, part]}])
    assert names == ["messages.1.content"]


@pytest.mark.parametrize("text", ["{", "[]", '"a"', "1", "null", "{} {}", "{'a': 1}"])
def test_arguments_that_are_no_object_are_refused(text: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
    assert refused(messages=[USER, {"role": "assistant", "tool_calls": [call]}]) == [
        "messages.1.tool_calls"
    ]


def test_arguments_stay_the_very_text() -> None:
    text = '{"b": 1.50, "a": 12345678901234567890123, "b": "\\u00e9"}'
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
    chat = chat_of({"messages": [USER, {"role": "assistant", "tool_calls": [call]}]})
    body = anthropic.encode(chat, configured("anthropic"), URL).body
    assert b'"input":' + text.encode() in body


HARMLESS: list[dict[str, Any]] = [
    {"n": 1},
    {"logprobs": False},
    {"top_logprobs": 0},
    {"logit_bias": {}},
    {"frequency_penalty": 0, "presence_penalty": 0.0},
    {"response_format": {"type": "text"}},
    {"store": False},
    {"metadata": {}},
    {"modalities": ["text"]},
    {"service_tier": "auto"},
    {"tool_choice": "none"},
    {"tool_choice": "auto", "tools": []},
    {"seed": None, "audio": None},
]


@pytest.mark.parametrize("asked", HARMLESS)
def test_what_asks_for_nothing_is_let_go(asked: dict[str, Any]) -> None:
    assert sent(**asked) == sent()


F, G = {"name": "f"}, {"name": "g"}
CHOICES: list[tuple[Any, bool | None, list[dict[str, str]], dict[str, Any] | None]] = [
    (None, None, [F, G], None),
    ("auto", True, [F, G], None),
    ("auto", False, [F, G], {"type": "auto", "disable_parallel_tool_use": True}),
    (None, False, [F, G], {"type": "auto", "disable_parallel_tool_use": True}),
    ("required", None, [F, G], {"type": "any"}),
    ("required", False, [F, G], {"type": "any", "disable_parallel_tool_use": True}),
    ("none", False, [F, G], {"type": "none"}),
    (choice("g"), None, [F, G], {"type": "tool", "name": "g"}),
    (allowed("auto", "g"), None, [G], None),
    (allowed("auto", "f", "g"), None, [F, G], None),
    (allowed("required", "g"), None, [F, G], {"type": "tool", "name": "g"}),
    (allowed("required", "f", "g"), None, [F, G], {"type": "any"}),
]


@pytest.mark.parametrize(("wanted", "parallel", "tools", "chosen"), CHOICES)
def test_every_choice_of_tools_is_expressed(
    wanted: Any,
    parallel: bool | None,  # noqa: FBT001  # a column of the table
    tools: list[dict[str, str]],
    chosen: dict[str, Any] | None,
) -> None:
    asked = {"tools": [tool("f"), tool("g")], "tool_choice": wanted}
    body = sent(**asked, parallel_tool_calls=parallel)
    assert [{"name": each["name"]} for each in body["tools"]] == tools
    assert body.get("tool_choice") == chosen


def test_turns_of_one_side_become_one_and_instructions_stand_apart() -> None:
    body = sent(
        messages=[
            {"role": "system", "content": "one"},
            USER,
            {"role": "developer", "content": "two"},
            {"role": "user", "content": [{"type": "text", "text": "there"}]},
            {"role": "assistant", "content": ""},
            {"role": "assistant", "content": "a", "refusal": "b"},
            {"role": "assistant", "content": "c"},
        ]
    )
    assert [block["text"] for block in body["system"]] == ["one", "two"]
    turns = [
        (turn["role"], [block["text"] for block in turn["content"]]) for turn in body["messages"]
    ]
    assert turns == [("user", ["hi", "there"]), ("assistant", ["a", "b", "c"])]


def test_other_makers_thoughts_need_no_signature() -> None:
    said = {"role": "assistant", "content": "a", "reasoning_content": "t"}
    body = sent({"model": "tiny"}, messages=[USER, said])
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "t", "signature": ""},
        {"type": "text", "text": "a"},
    ]


def test_a_result_that_says_nothing_is_still_a_result() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    said = {"role": "assistant", "tool_calls": [call]}
    told = {"role": "tool", "tool_call_id": "c", "content": ""}
    body = sent(messages=[USER, said, told])
    assert body["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "c"}]
