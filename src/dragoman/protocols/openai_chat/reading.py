"""What a caller asks for in OpenAI's format, read as every wire format means it.

platform.openai.com, API reference, "Create chat completion" (2026-11).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from dragoman.domain.chat import (
    ChatRequest,
    Effort,
    JsonObject,
    JsonSchema,
    Tool,
    ToolChoice,
    ToolUse,
)
from dragoman.domain.errors import Invalid
from dragoman.protocols.openai_chat.reading_messages import message
from dragoman.protocols.place import Place

NOT_OF_THE_CHAT = frozenset({"model", "stream_options", "messages"})
FUNCTION = ("type", "function")
MOST = 2**53
"""The largest number that every JSON parser reads alike."""


def read(members: Mapping[str, msgspec.Raw]) -> ChatRequest:
    """Read the members of a body. Raises Invalid, which names everything that is wrong."""
    places, problems = Place.body(members)
    asked: dict[str, Any] = {}
    if "messages" in places:
        asked["messages"] = tuple(message(place) for place in places["messages"].items())
    if not asked.get("messages") and not problems:
        missing = Place(msgspec.Raw(b"[]"), ("messages",), problems)
        missing.wrong("must hold at least one message", "missing_required_parameter")
    for name, read_member in MEMBERS.items():
        if name in places:
            value = read_member(places[name])
            if value is not None:
                asked[name] = value
    limit = places.get("max_completion_tokens") or places.get("max_tokens")
    if limit is not None:
        asked["max_tokens"] = limit.integer(1, MOST)
    person = places.get("safety_identifier") or places.get("user")
    if person is not None:
        asked["user"] = person.text()
    if "stream_options" in places:
        asked["include_usage"] = _include_usage(places["stream_options"])
    known = NOT_OF_THE_CHAT | MEMBERS.keys() | SPELLINGS
    asked["others"] = {name: place.raw for name, place in places.items() if name not in known}
    if problems:
        raise Invalid(*problems)
    return ChatRequest(**asked)


def _include_usage(place: Place) -> bool:
    # Padding against eavesdroppers is between OpenAI's servers and those who call them.
    members = place.members({"include_usage", "include_obfuscation"})
    return bool("include_usage" in members and members["include_usage"].boolean())


def _stop(place: Place) -> tuple[str, ...]:
    if place.is_text():
        return (place.text(),)
    return tuple(item.text() for item in place.items())


def _effort(place: Place) -> Effort | None:
    word = place.one_of([effort.value for effort in Effort])
    return Effort(word) if word else None


def _tools(place: Place) -> tuple[Tool, ...]:
    return tuple(_tool(item) for item in place.items())


def _tool(place: Place) -> Tool:
    kind = place.required(place.members(), "type")
    if kind.text() not in {"function", ""}:
        kind.wrong("only functions can be translated for this LLM", "unsupported_value")
        return Tool("")
    outer = place.required(place.members(FUNCTION), "function")
    inner = outer.members({"name", "description", "parameters", "strict"})
    parameters = inner.get("parameters")
    if parameters is not None:
        parameters.members()
    return Tool(
        name=outer.required(inner, "name").text(),
        description=inner["description"].text() if "description" in inner else None,
        parameters=parameters.raw if parameters else None,
        strict=inner["strict"].boolean() if "strict" in inner else None,
    )


def _tool_choice(place: Place) -> ToolChoice | None:
    if place.is_text():
        word = place.one_of([use.value for use in ToolUse])
        return ToolChoice(ToolUse(word)) if word else None
    members = place.members((*FUNCTION, "allowed_tools"))
    kind = place.required(members, "type").one_of(("function", "allowed_tools"))
    if kind == "function":
        return ToolChoice(ToolUse.REQUIRED, (_name(place, members),))
    if kind == "allowed_tools":
        allowed = place.required(members, "allowed_tools")
        inner = allowed.members({"mode", "tools"})
        mode = allowed.required(inner, "mode").one_of(("auto", "required"))
        tools = allowed.required(inner, "tools").items()
        names = tuple(_name(tool, tool.members(FUNCTION)) for tool in tools)
        return ToolChoice(ToolUse(mode), names) if mode else None
    return None


def _name(place: Place, members: dict[str, Place]) -> str:
    function = place.required(members, "function")
    return function.required(function.members({"name"}), "name").text()


def _response_format(place: Place) -> JsonObject | JsonSchema | None:
    members = place.members({"type", "json_schema"})
    kind = place.required(members, "type").one_of(("text", "json_object", "json_schema"))
    if kind == "json_object":
        return JsonObject()
    if kind != "json_schema":
        return None
    outer = place.required(members, "json_schema")
    inner = outer.members({"name", "schema", "description", "strict"})
    schema = outer.required(inner, "schema")
    schema.members()
    return JsonSchema(
        name=outer.required(inner, "name").text(),
        schema=schema.raw,
        description=inner["description"].text() if "description" in inner else None,
        strict=inner["strict"].boolean() if "strict" in inner else None,
    )


def _object(place: Place) -> msgspec.Raw | None:
    return place.raw if place.members() else None


MEMBERS = {
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": Place.boolean,
    "response_format": _response_format,
    "temperature": lambda place: place.number(0, 2),
    "top_p": lambda place: place.number(0, 1),
    "top_k": lambda place: place.integer(-1, MOST),
    "stop": _stop,
    "frequency_penalty": lambda place: place.number(-2, 2),
    "presence_penalty": lambda place: place.number(-2, 2),
    "logit_bias": _object,
    "logprobs": Place.boolean,
    "top_logprobs": lambda place: place.integer(0, 20),
    "n": lambda place: place.integer(1, 128),
    "seed": lambda place: place.integer(-(2**63), 2**63 - 1),
    "reasoning_effort": _effort,
    "stream": Place.boolean,
}
"""How each member is read that has one name and stands for itself."""

SPELLINGS = frozenset({"max_completion_tokens", "max_tokens", "safety_identifier", "user"})
"""Pairs of names for one thing; of each, the first stands before the second."""
