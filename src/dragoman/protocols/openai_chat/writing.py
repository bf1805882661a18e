"""An LLM's answer as callers of OpenAI's format read it: a stream of chunks, or one completion.

platform.openai.com, API reference, "The chat completion chunk object" (2026-11). The format has
no place for thoughts. Their text is in `reasoning_content`, where DeepSeek, vLLM and llama.cpp
put it (api-docs.deepseek.com, "Thinking mode", 2026-11); with what their maker knows them by they
are in `reasoning_details`, as OpenRouter writes them (openrouter.ai, docs, "Reasoning tokens",
2026-11), and callers that send those back keep a chain of tool calls whole.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from dragoman.domain.chat import RedactedThought, Thought
from dragoman.domain.chat_answer import ChatAnswer
from dragoman.domain.chat_events import (
    CallArguments,
    CallStarted,
    Event,
    Finished,
    FinishReason,
    Logprobs,
    RefusalDelta,
    Started,
    TextDelta,
    ThoughtDelta,
    ThoughtRedacted,
    ThoughtSigned,
    TokensUsed,
)

DONE = b"data: [DONE]\n\n"

FINISH_REASONS = {reason: reason.value for reason in FinishReason} | {
    # OpenAI has no word for it; this one too says that there would be more.
    FinishReason.PAUSED: FinishReason.LENGTH.value
}


class StreamWriter:
    """Writes the chunks of one stream."""

    def __init__(self, *, created_s: int, include_usage: bool) -> None:
        """Begin; `created_s` is when the call began [s since 1970]."""
        self._created_s = created_s
        self._include_usage = include_usage
        self._before = b""
        """What every chunk of this stream begins with."""
        self._tokens: TokensUsed | None = None

    def chunk(self, event: Event) -> bytes:
        """Write what the caller hears of an event; the very first one is `Started`."""
        match event:
            case Started():
                return self._begin(event)
            case Finished(reason=reason):
                return self._end(reason)
            case TokensUsed():
                self._tokens = event
                return b""
            case Logprobs(content=content):
                return self._choice({}, logprobs={"content": content})
            case _:
                return self._choice(_delta(event))

    def _begin(self, event: Started) -> bytes:
        head = {
            "id": event.id,
            "object": "chat.completion.chunk",
            "created": self._created_s,
            "model": event.model,
        }
        self._before = b"data: " + msgspec.json.encode(head)[:-1] + b',"choices":['
        return self._choice({"role": "assistant", "content": ""})

    def _end(self, reason: FinishReason) -> bytes:
        last = self._choice({}, finish_reason=FINISH_REASONS[reason])
        if self._include_usage and self._tokens is not None:
            usage = msgspec.json.encode(_usage(self._tokens))
            last += self._before + b'],"usage":' + usage + b"}\n\n"
        return last + DONE

    def _choice(
        self, delta: dict[str, Any], *, finish_reason: str | None = None, **more: Any
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, **more}
        return self._before + msgspec.json.encode(choice) + b"]}\n\n"


def _delta(event: Event) -> dict[str, Any]:
    match event:
        case TextDelta(text=text):
            return {"content": text}
        case CallArguments(index=index, text=text):
            return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
        case CallStarted(index=index, id=call_id, name=name):
            function = {"name": name, "arguments": ""}
            call = {"index": index, "id": call_id, "type": "function", "function": function}
            return {"tool_calls": [call]}
        case ThoughtDelta(index=index, text=text):
            detail = {"type": "reasoning.text", "index": index, "text": text}
            return {"reasoning_content": text, "reasoning_details": [detail]}
        case ThoughtSigned(index=index, signature=signature):
            detail = {"type": "reasoning.text", "index": index, "signature": signature}
            return {"reasoning_details": [detail]}
        case ThoughtRedacted(index=index, data=data):
            detail = {"type": "reasoning.encrypted", "index": index, "data": data}
            return {"reasoning_details": [detail]}
        case RefusalDelta(text=text):
            return {"refusal": text}
        case _:
            raise AssertionError(event)


def completion(answer: ChatAnswer, *, created_s: int) -> bytes:
    """Write a whole answer; `created_s` is when the call began [s since 1970]."""
    choice = {
        "index": 0,
        "message": _message(answer),
        "logprobs": {"content": answer.logprobs} if answer.logprobs else None,
        "finish_reason": FINISH_REASONS[answer.reason],
    }
    body: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": created_s,
        "model": answer.model,
        "choices": [choice],
    }
    if answer.tokens is not None:
        body["usage"] = _usage(answer.tokens)
    return msgspec.json.encode(body)


def _message(answer: ChatAnswer) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text if answer.text or not answer.calls else None,
        "refusal": answer.refusal or None,
    }
    if answer.thoughts:
        texts = [thought.text for thought in answer.thoughts if isinstance(thought, Thought)]
        message["reasoning_content"] = "".join(texts)
        message["reasoning_details"] = thought_details(answer.thoughts)
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answer.calls
        ]
    return message


def thought_details(thoughts: Iterable[Thought | RedactedThought]) -> list[dict[str, Any]]:
    """Write thoughts with what their maker knows them by."""
    details: list[dict[str, Any]] = []
    for index, thought in enumerate(thoughts):
        if isinstance(thought, RedactedThought):
            details.append({"type": "reasoning.encrypted", "index": index, "data": thought.data})
        else:
            detail = {"type": "reasoning.text", "index": index, "text": thought.text}
            signed = {"signature": thought.signature} if thought.signature else {}
            details.append(detail | signed)
    return details


def _usage(tokens: TokensUsed) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": tokens.input_tokens,
        "completion_tokens": tokens.output_tokens,
        "total_tokens": tokens.input_tokens + tokens.output_tokens,
    }
    read, made = tokens.cache_read_input_tokens, tokens.cache_creation_input_tokens
    if read is not None or made is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": read or 0}
        if made is not None:
            usage["prompt_tokens_details"]["cache_write_tokens"] = made
    if tokens.reasoning_output_tokens is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning_output_tokens}
    return usage
