"""A request in OpenAI's format, written anew from what it means."""

from typing import Any

import msgspec

from dragoman.domain.chat import (
    Assistant,
    Audio,
    ChatRequest,
    Data,
    File,
    Image,
    Instruction,
    JsonObject,
    JsonSchema,
    Link,
    Message,
    RedactedThought,
    Refusal,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolUse,
    User,
    UserPart,
)
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.llm import Configuration
from dragoman.domain.url import parse_origin, request_target
from dragoman.protocols.base import UNSUPPORTED, WireRequest
from dragoman.protocols.openai_chat.passthrough import max_tokens_member
from dragoman.protocols.openai_chat.writing import thought_details

AS_THEY_ARE = (
    "parallel_tool_calls",
    "temperature",
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "seed",
    "reasoning_effort",
)
"""Parameters that have their names of this format."""


def encode(chat: ChatRequest, llm: Configuration, url: str) -> WireRequest:
    """Write a request; everything but several answers at once can be said in this format."""
    if chat.n not in {None, 1}:
        raise Invalid(Problem(("n",), "must be 1 where answers are translated", UNSUPPORTED))
    body: dict[str, Any] = {"model": llm.model}
    body["messages"] = [_message(message) for message in chat.messages]
    if chat.tools:
        body["tools"] = [_tool(tool) for tool in chat.tools]
    if chat.tool_choice is not None:
        body["tool_choice"] = _tool_choice(chat.tool_choice)
    if chat.response_format is not None:
        body["response_format"] = _response_format(chat.response_format)
    values = {name: getattr(chat, name) for name in AS_THEY_ARE}
    body |= {name: value for name, value in values.items() if value is not None}
    if chat.stop:
        body["stop"] = chat.stop
    if chat.max_tokens is not None:
        body[max_tokens_member(parse_origin(url).host)] = chat.max_tokens
    if chat.user is not None:
        body["safety_identifier"] = chat.user
    if chat.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return WireRequest(request_target(url), (), msgspec.json.encode(body | dict(chat.others)))


def _message(message: Message) -> dict[str, Any]:
    match message:
        case Instruction():
            content = [_part(part) for part in message.parts]
            return _named({"role": message.authority.value, "content": content}, message.name)
        case User():
            content = [_part(part) for part in message.parts]
            return _named({"role": "user", "content": content}, message.name)
        case ToolResult():
            content = [_part(part) for part in message.parts]
            return {"role": "tool", "tool_call_id": message.call_id, "content": content}
        case Assistant():
            return _named(_assistant(message), message.name)


def _named(message: dict[str, Any], name: str | None) -> dict[str, Any]:
    return message if name is None else message | {"name": name}


def _assistant(message: Assistant) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    thoughts: list[Thought | RedactedThought] = []
    calls: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case Text():
                content.append(_part(part))
            case Refusal(text=text):
                content.append({"type": "refusal", "refusal": text})
            case ToolCall(id=call_id, name=name, arguments=arguments):
                function = {"name": name, "arguments": arguments}
                calls.append({"id": call_id, "type": "function", "function": function})
            case Thought() | RedactedThought():
                thoughts.append(part)
    written: dict[str, Any] = {"role": "assistant", "content": content or None}
    if thoughts:
        written["reasoning_details"] = thought_details(thoughts)
    if calls:
        written["tool_calls"] = calls
    return written


def _part(part: UserPart) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image(source=source, detail=detail):
            url = source.url if isinstance(source, Link) else _data(source)
            image = {"url": url} if detail is None else {"url": url, "detail": detail}
            return {"type": "image_url", "image_url": image}
        case Audio(base64=data, format=kind):
            return {"type": "input_audio", "input_audio": {"data": data, "format": kind}}
        case File(data=file_data, id=file_id, name=name):
            file = {"file_data": _data(file_data)} if file_data else {"file_id": file_id}
            return {"type": "file", "file": file if name is None else file | {"filename": name}}


def _data(data: Data) -> str:
    return f"data:{data.media_type};base64,{data.base64}"


def _tool(tool: Tool) -> dict[str, Any]:
    members = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }
    function = {name: value for name, value in members.items() if value is not None}
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> Any:
    named = [{"type": "function", "function": {"name": name}} for name in choice.names]
    if not named:
        return choice.use.value
    if choice.use is ToolUse.REQUIRED and len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.use.value, "tools": named}}


def _response_format(wanted: JsonObject | JsonSchema) -> dict[str, Any]:
    if isinstance(wanted, JsonObject):
        return {"type": "json_object"}
    members = {
        "name": wanted.name,
        "schema": wanted.schema,
        "description": wanted.description,
        "strict": wanted.strict,
    }
    schema = {name: value for name, value in members.items() if value is not None}
    return {"type": "json_schema", "json_schema": schema}
