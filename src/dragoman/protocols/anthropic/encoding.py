"""A request in Anthropic's format, and what cannot be said in it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from dragoman.domain.chat import (
    ChatRequest,
    JsonObject,
    JsonSchema,
    Tool,
    ToolChoice,
    ToolUse,
)
from dragoman.domain.errors import Invalid, NotCallable, Problem
from dragoman.domain.llm import Configuration
from dragoman.domain.url import request_target
from dragoman.protocols.anthropic.messages import Conversation
from dragoman.protocols.anthropic.models import has_sampling, model, version
from dragoman.protocols.anthropic.thinking import thinking
from dragoman.protocols.base import UNSUPPORTED, WireRequest

VERSION_HEADER = b"anthropic-version"

VERSION = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")

SAMPLING = ("temperature", "top_p", "top_k")

NOT_IN_THE_FORMAT: dict[str, Callable[[Any], bool]] = {
    "n": lambda value: value == 1,
    "seed": lambda _: False,
    "logprobs": lambda value: not value,
    "top_logprobs": lambda value: value == 0,
    "logit_bias": lambda _: False,
    "frequency_penalty": lambda value: value == 0,
    "presence_penalty": lambda value: value == 0,
}
"""Parameters that the format does not have, and when they say nothing either."""

SAYS_NOTHING: dict[str, tuple[Any, ...]] = {
    "store": (False,),
    "metadata": ({},),
    "modalities": (["text"],),
    "service_tier": ("auto",),
    "verbosity": ("medium",),
}
"""Members of OpenAI's that are let go where they ask for what happens anyhow."""

NO_PARAMETERS = {"type": "object", "properties": {}}


def encode(chat: ChatRequest, llm: Configuration, url: str) -> WireRequest:
    """Write a request.

    Raises Invalid that names everything that the format cannot express, and NotCallable where the
    LLM's version of the API is none.
    """
    if not VERSION.fullmatch(version(llm)):
        raise NotCallable(
            "This LLM's API version must be a date, such as 2023-06-01. Change its registration.",
            code="stored_setting_not_supported",
        )
    problems = [*_inexpressible(chat, llm)]
    signed = model(llm).wants_signatures
    conversation = Conversation(chat.messages, problems, wants_signatures=signed)
    thoughts = thinking(chat, llm, problems)
    body: dict[str, Any] = {
        "model": llm.model,
        "max_tokens": chat.max_tokens or model(llm).max_tokens,
        "messages": conversation.turns,
    }
    if conversation.instructions:
        body["system"] = conversation.instructions
    for name in SAMPLING:
        value = getattr(chat, name)
        if value is not None:
            body[name] = value
    if chat.stop:
        body["stop_sequences"] = chat.stop
    if chat.user is not None:
        body["metadata"] = {"user_id": chat.user}
    body |= _tools(chat, problems)
    body |= thoughts
    if isinstance(chat.response_format, JsonSchema):
        wanted = {"type": "json_schema", "schema": chat.response_format.schema}
        body["output_config"] = body.get("output_config", {}) | {"format": wanted}
    if chat.stream:
        body["stream"] = True
    if problems:
        raise Invalid(*problems)
    headers = ((VERSION_HEADER, version(llm).encode()),)
    return WireRequest(request_target(url), headers, msgspec.json.encode(body))


def _inexpressible(chat: ChatRequest, llm: Configuration) -> Iterator[Problem]:
    """Find what cannot be said, to this LLM or in this format at all."""
    for name, says_nothing in NOT_IN_THE_FORMAT.items():
        value = getattr(chat, name)
        if value is not None and not says_nothing(value):
            yield _not_there(name)
    for name, raw in chat.others.items():
        if msgspec.json.decode(raw) not in SAYS_NOTHING.get(name, ()):
            yield _not_there(name)
    yield from _sampling(chat, llm)
    match chat.response_format:
        case JsonObject():
            message = "json_object is not in this LLM's format; send a json_schema"
            yield Problem(("response_format", "type"), message, "unsupported_value")
        case JsonSchema() if not model(llm).has_schemas:
            message = "this LLM's model cannot be made to answer in JSON"
            yield Problem(("response_format", "type"), message, "unsupported_value")


def _sampling(chat: ChatRequest, llm: Configuration) -> Iterator[Problem]:
    for name in SAMPLING:
        if getattr(chat, name) is not None and not has_sampling(llm):
            yield Problem(
                (name,), "cannot be chosen for this LLM's model and API version", UNSUPPORTED
            )
    if chat.temperature is not None and chat.temperature > 1:
        yield Problem(("temperature",), "must be from 0 to 1 for this LLM", "unsupported_value")


def _not_there(name: str) -> Problem:
    return Problem((name,), "cannot be expressed in this LLM's format", UNSUPPORTED)


def _tools(chat: ChatRequest, problems: list[Problem]) -> dict[str, Any]:
    """Write the tools, and which of them are called."""
    choice = chat.tool_choice or ToolChoice(ToolUse.AUTO)
    unknown = set(choice.names) - {tool.name for tool in chat.tools}
    if unknown or (choice.use is ToolUse.REQUIRED and not chat.tools):
        message = "must name tools that are in tools"
        problems.append(Problem(("tool_choice",), message, "invalid_value"))
    # The format can name one tool or none; of several, the others are not offered.
    offered = [tool for tool in chat.tools if len(choice.names) <= 1 or tool.name in choice.names]
    if choice.use is ToolUse.AUTO and choice.names:
        offered = [tool for tool in chat.tools if tool.name in choice.names]
    if not offered:
        return {}
    members: dict[str, Any] = {"tools": [_tool(tool) for tool in offered]}
    chosen = _chosen(choice)
    if chat.parallel_tool_calls is False and choice.use is not ToolUse.NONE:
        chosen["disable_parallel_tool_use"] = True
    if chosen != {"type": "auto"}:
        members["tool_choice"] = chosen
    return members


def _chosen(choice: ToolChoice) -> dict[str, Any]:
    match choice.use:
        case ToolUse.NONE:
            return {"type": "none"}
        case ToolUse.REQUIRED if len(choice.names) == 1:
            return {"type": "tool", "name": choice.names[0]}
        case ToolUse.REQUIRED:
            return {"type": "any"}
        case _:
            return {"type": "auto"}


def _tool(tool: Tool) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name, "input_schema": tool.parameters or NO_PARAMETERS}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.strict:
        written["strict"] = True
    return written
