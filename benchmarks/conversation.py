"""What is asked and what is answered, and whether an answer is the right one."""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

MODEL = "bench"
CREDENTIAL = "sk-benchmark"  # what the contestants send to the upstream
QUESTION_BYTES = 1024
CHUNKS = 50
CHUNK_INTERVAL_S = 0.02

_WORDS = ("a gateway should cost less than what it gives " * 12).split()
_ANSWER_TEXT = " ".join(_WORDS)[:380]
_STREAMED_TEXT = "".join(f" {word}" for word in _WORDS[: CHUNKS - 1])


class Route(StrEnum):
    """A way through a contestant to an upstream of one behaviour."""

    PLAIN = "plain"
    """A whole answer at once."""
    TLS = "tls"
    """The same from an upstream that speaks TLS."""
    PACED = "paced"
    """A stream at a model's pace: a chunk each 20 ms."""
    FLOOD = "flood"
    """A stream as fast as it goes."""
    HELD = "held"
    """A stream that stays open after its first chunk."""

    @property
    def is_streamed(self) -> bool:
        """Whether the caller asks for a stream."""
        return self not in {Route.PLAIN, Route.TLS}


class Call(NamedTuple):
    """One request, and where to send it."""

    host: str
    port: int
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def url(self) -> str:
        """Where it goes."""
        return f"http://{self.host}:{self.port}{self.path}"

    @property
    def request(self) -> bytes:
        """The bytes of the whole request."""
        lines = {"Host": f"{self.host}:{self.port}", "Content-Length": str(len(self.body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in (lines | self.headers).items())
        return f"POST {self.path} HTTP/1.1\r\n{head}\r\n".encode() + self.body


def question(model: str, route: Route) -> bytes:
    """Write a chat of QUESTION_BYTES, whatever the model is called."""
    body = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You answer in one paragraph."},
            {"role": "user", "content": ""},
        ],
        "temperature": 0.2,
        "stream": route.is_streamed,
    }
    missing = QUESTION_BYTES - len(_compact(body))
    body["messages"] = [
        {"role": "system", "content": "You answer in one paragraph."},
        {"role": "user", "content": ("What does it cost? " * QUESTION_BYTES)[:missing]},
    ]
    return _compact(body)


def _compact(value: object) -> bytes:
    """Write JSON as OpenAI's SDK and servers do, without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


ANSWER_TEXT = _ANSWER_TEXT
"""What stands in every right answer that is not streamed; nothing in it has to be escaped."""

ANSWER = _compact(
    {
        "id": "chatcmpl-0123456789abcdefghijklmnopqrs",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _ANSWER_TEXT},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 210, "completion_tokens": 76, "total_tokens": 286},
        "system_fingerprint": "fp_0123456789",
    }
)
"""About 0.7 KB."""


def _event(delta: dict[str, str], finish_reason: str | None) -> bytes:
    chunk = {
        "id": "chatcmpl-0123456789abcdefghijklmnopqrs",
        "object": "chat.completion.chunk",
        "created": 1_795_000_000,
        "model": MODEL,
        "system_fingerprint": "fp_0123456789",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
    }
    return b"data: %b\n\n" % _compact(chunk)


EVENTS = (
    *(_event({"content": f" {word}"}, None) for word in _WORDS[: CHUNKS - 1]),
    _event({}, "stop") + b"data: [DONE]\n\n",
)
"""A whole stream, one item per chunk; about 0.25 KB each."""

_STREAM = b"".join(EVENTS)


def is_right(route: Route, body: bytes) -> bool:
    """Tell whether a body is the right answer, in the upstream's words or written anew."""
    if body in (ANSWER, _STREAM):
        return body == (_STREAM if route.is_streamed else ANSWER)
    try:
        if route is Route.HELD:
            return _said(body) == f" {_WORDS[0]}"
        if route.is_streamed:
            return body.endswith(b"data: [DONE]\n\n") and _said(body) == _STREAMED_TEXT
        message = msgspec.json.decode(body)["choices"][0]["message"]
        return bool(message["content"] == _ANSWER_TEXT)
    except (msgspec.DecodeError, LookupError, TypeError):
        return False


def _said(body: bytes) -> str:
    """Put together what a stream says."""
    return "".join(
        choice["delta"].get("content") or ""
        for event in _events(body)
        for choice in event["choices"]
    )


def _events(body: bytes) -> Iterator[Any]:
    for line in body.split(b"\n"):
        data = line.removeprefix(b"data: ")
        if data not in {line, b"[DONE]"}:
            yield msgspec.json.decode(data)
