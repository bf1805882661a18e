"""A conversation in Anthropic's format: instructions apart, and user and assistant taking turns."""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from dragoman.domain.chat import (
    Assistant,
    AssistantPart,
    Audio,
    Data,
    File,
    Image,
    Instruction,
    Link,
    Message,
    RedactedThought,
    Refusal,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    User,
    UserPart,
)
from dragoman.domain.errors import Problem

Block = dict[str, Any]

IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
AS_CLOSELY_AS_POSSIBLE = frozenset({None, "auto", "high", "original"})
"""Every image is looked at so; there is no other way to ask for."""

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Conversation:
    """What was said so far.

    Instructions are collected, wherever they stood: the format has them apart. (So does the
    vendor's own layer for OpenAI's SDK: platform.claude.com, "OpenAI SDK compatibility", 2026-11.)
    Turns of one side that follow each other become one, and in a user's turn the results of tools
    come first, because the API wants them right after the calls ("Tool use", 2026-11).
    """

    def __init__(
        self, messages: Sequence[Message], problems: list[Problem], *, wants_signatures: bool
    ) -> None:
        """`problems` takes what cannot be expressed; unsigned thoughts, where signatures count."""
        self.instructions: list[Block] = []
        self.turns: list[dict[str, Any]] = []
        self._problems = problems
        self._wants_signatures = wants_signatures
        for number, message in enumerate(messages):
            self._path: tuple[str | int, ...] = ("messages", number)
            self._add(message)

    def _add(self, message: Message) -> None:
        if not isinstance(message, ToolResult) and message.name is not None:
            self._refuse("name", "cannot be expressed in this LLM's format")
        match message:
            case Instruction():
                self.instructions += _texts(message.parts)
            case ToolResult(call_id=call_id):
                result = {"type": "tool_result", "tool_use_id": call_id}
                content = _texts(message.parts)
                self._user([result | {"content": content} if content else result], are_first=True)
            case User():
                blocks = [block for part in message.parts for block in self._shown(part)]
                if not blocks:
                    self._refuse("content", "must not be empty for this LLM")
                self._user(blocks)
            case Assistant():
                blocks = [block for part in message.parts for block in self._said(part)]
                self._turn("assistant", blocks)

    def _user(self, blocks: list[Block], *, are_first: bool = False) -> None:
        content = self._turn("user", [])
        if are_first:
            results = sum(block["type"] == "tool_result" for block in content)
            content[results:results] = blocks
        else:
            content += blocks

    def _turn(self, role: str, blocks: list[Block]) -> list[Block]:
        if not self.turns or self.turns[-1]["role"] != role:
            if role == "assistant" and not blocks:
                return []
            self.turns.append({"role": role, "content": []})
        content: list[Block] = self.turns[-1]["content"]
        content += blocks
        return content

    def _shown(self, part: UserPart) -> Iterator[Block]:
        match part:
            case Text():
                yield from _texts([part])
            case Image():
                yield from self._image(part)
            case File():
                yield from self._document(part)
            case Audio():
                self._refuse("content", "this LLM's format has no audio")

    def _image(self, image: Image) -> Iterator[Block]:
        if image.detail not in AS_CLOSELY_AS_POSSIBLE:
            self._refuse("content", "this LLM cannot be asked for another detail of an image")
        match image.source:
            case Link(url=url):
                yield {"type": "image", "source": {"type": "url", "url": url}}
            case Data(media_type=media_type) if media_type not in IMAGES:
                self._refuse("content", f"images must be one of: {', '.join(sorted(IMAGES))}")
            case Data():
                yield {"type": "image", "source": _source(image.source)}

    def _document(self, file: File) -> Iterator[Block]:
        named = {} if file.name is None else {"title": file.name}
        match file.data:
            case Data(media_type="application/pdf"):
                yield {"type": "document", "source": _source(file.data)} | named
            case Data(media_type="text/plain", base64=data):
                text = _plain(data)
                if text is None:
                    self._refuse("content", "text files must be UTF-8 in base64")
                else:
                    source = {"type": "text", "media_type": "text/plain", "data": text}
                    yield {"type": "document", "source": source} | named
            case _:
                self._refuse("content", "this LLM takes files as data of PDF or plain text only")

    def _said(self, part: AssistantPart) -> Iterator[Block]:
        match part:
            case Text() | Refusal():
                yield from _texts([part])
            case Thought(text=text, signature=signature):
                yield {"type": "thinking", "thinking": text, "signature": signature or ""}
                if self._wants_signatures and not signature:
                    self._refuse(
                        "reasoning_content",
                        "this LLM takes thoughts only with their signature; send the answer's "
                        "reasoning_details as they came, or leave the thought out",
                    )
            case RedactedThought(data=data):
                yield {"type": "redacted_thinking", "data": data}
            case ToolCall():
                yield from self._call(part)

    def _call(self, call: ToolCall) -> Iterator[Block]:
        arguments = call.arguments.strip() or "{}"  # how OpenAI's format writes that there are none
        try:
            _OBJECT.decode(arguments)
        except msgspec.DecodeError:
            self._refuse("tool_calls", "for this LLM, arguments must be a JSON object")
            return
        text = msgspec.Raw(arguments.encode())
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": text}

    def _refuse(self, member: str, message: str) -> None:
        self._problems.append(Problem((*self._path, member), message, "unsupported_value"))


def _texts(parts: Sequence[Text | Refusal]) -> list[Block]:
    """Write texts; those without a letter are refused by the API, and say nothing."""
    return [{"type": "text", "text": part.text} for part in parts if part.text]


def _source(data: Data) -> Block:
    return {"type": "base64", "media_type": data.media_type, "data": data.base64}


def _plain(data: str) -> str | None:
    try:
        return b64decode(data, validate=True).decode()
    except ValueError:
        return None
