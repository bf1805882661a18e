"""The messages of a caller's body in OpenAI's format.

platform.openai.com, API reference, "Create chat completion" (2026-11). Thoughts have no place in
it; those that are read are written as `writing` writes them.
"""

from collections.abc import Callable
from typing import TypeVar

from dragoman.domain.chat import (
    Assistant,
    AssistantPart,
    Audio,
    Authority,
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
from dragoman.protocols.place import Place

T = TypeVar("T")

OF_EVERY_MESSAGE = ("role", "content")
OF_AN_ASSISTANT = (
    *OF_EVERY_MESSAGE,
    "name",
    "refusal",
    "tool_calls",
    "reasoning_details",
    "reasoning_content",
    "reasoning",
)
NOTHING = User(())


def message(place: Place) -> Message:
    """Read one message."""
    role = place.required(place.members(), "role").one_of(tuple(ROLES))
    return ROLES[role](place) if role else NOTHING


def _instruction(place: Place) -> Instruction:
    members = place.members((*OF_EVERY_MESSAGE, "name"))
    content = place.required(members, "content")
    return Instruction(
        _parts(content, {"text": _text}),
        authority=Authority(members["role"].text()),
        name=_name(members),
    )


def _user(place: Place) -> User:
    members = place.members((*OF_EVERY_MESSAGE, "name"))
    content = place.required(members, "content")
    return User(_parts(content, USER_PARTS), name=_name(members))


def _tool_result(place: Place) -> ToolResult:
    members = place.members((*OF_EVERY_MESSAGE, "tool_call_id"))
    call_id = place.required(members, "tool_call_id").text()
    content = place.required(members, "content")
    return ToolResult(call_id, _parts(content, {"text": _text}))


def _assistant(place: Place) -> Assistant:
    members = place.members(OF_AN_ASSISTANT)
    parts: list[AssistantPart] = [*_thoughts(members)]
    if "content" in members:
        parts += _parts(members["content"], {"text": _text, "refusal": _refusal})
    if "refusal" in members:
        parts.append(Refusal(members["refusal"].text()))
    if "tool_calls" in members:
        parts += [_call(item) for item in members["tool_calls"].items()]
    return Assistant(tuple(parts), name=_name(members))


def _thoughts(members: dict[str, Place]) -> list[Thought | RedactedThought]:
    """Read the thoughts; where they stand twice, the fuller account of them."""
    if "reasoning_details" in members:
        return [_detail(item) for item in members["reasoning_details"].items()]
    plain = members.get("reasoning_content") or members.get("reasoning")
    text = plain.text() if plain else ""
    return [Thought(text)] if text else []


def _detail(place: Place) -> Thought | RedactedThought:
    members = place.members({"type", "index", "text", "signature", "data"})
    kind = place.required(members, "type").one_of(("reasoning.text", "reasoning.encrypted"))
    if kind == "reasoning.encrypted":
        return RedactedThought(place.required(members, "data").text())
    return Thought(
        members["text"].text() if "text" in members else "",
        members["signature"].text() if "signature" in members else None,
    )


def _call(place: Place) -> ToolCall:
    # An index is what clients keep that have put a call together from a stream.
    members = place.members({"id", "type", "function", "index"})
    if "type" in members and members["type"].text() not in {"function", ""}:
        members["type"].wrong("only functions can be translated for this LLM", "unsupported_value")
    function = place.required(members, "function")
    inner = function.members({"name", "arguments"})
    return ToolCall(
        id=place.required(members, "id").text(),
        name=function.required(inner, "name").text(),
        arguments=inner["arguments"].text() if "arguments" in inner else "",
    )


def _parts(content: Place, kinds: dict[str, Callable[[Place], T]]) -> tuple[T, ...]:
    """Read a content, which is a string or an array of parts."""
    if not content.is_text():
        return tuple(_part(item, kinds) for item in content.items())
    return (kinds["text"](content),)


def _part(place: Place, kinds: dict[str, Callable[[Place], T]]) -> T:
    members = place.members()
    kind = place.required(members, "type").one_of(tuple(kinds))
    return kinds[kind or "text"](place if kind else Place(place.raw, place.path, []))


def _text(place: Place) -> Text:
    if place.is_text():
        return Text(place.text())
    return Text(place.required(place.members({"type", "text"}), "text").text())


def _refusal(place: Place) -> Refusal:
    return Refusal(place.required(place.members({"type", "refusal"}), "refusal").text())


def _image(place: Place) -> Image:
    outer = place.required(place.members({"type", "image_url"}), "image_url")
    inner = outer.members({"url", "detail"})
    at = outer.required(inner, "url")
    url = at.text()
    detail = inner["detail"].text() if "detail" in inner else None
    if url.startswith("data:"):
        return Image(_data(at, url), detail)
    if not url.startswith(("https://", "http://")):
        at.wrong("must be a URL that begins with https://, http:// or data:")
    return Image(Link(url), detail)


def _audio(place: Place) -> Audio:
    outer = place.required(place.members({"type", "input_audio"}), "input_audio")
    inner = outer.members({"data", "format"})
    return Audio(outer.required(inner, "data").text(), outer.required(inner, "format").text())


def _file(place: Place) -> File:
    outer = place.required(place.members({"type", "file"}), "file")
    inner = outer.members({"file_data", "file_id", "filename"})
    name = inner["filename"].text() if "filename" in inner else None
    if "file_data" in inner:
        return File(data=_data(inner["file_data"], inner["file_data"].text()), name=name)
    return File(id=outer.required(inner, "file_id").text(), name=name)


def _data(place: Place, url: str) -> Data:
    """Read `data:<media type>;base64,<data>` (RFC 2397)."""
    head, mark, data = url.removeprefix("data:").partition(",")
    media_type, _, coding = head.rpartition(";")
    if not (url.startswith("data:") and mark and media_type and coding == "base64"):
        place.wrong("must be data:<media type>;base64,<data>")
    return Data(media_type.lower(), data)


def _name(members: dict[str, Place]) -> str | None:
    return members["name"].text() if "name" in members else None


ROLES: dict[str, Callable[[Place], Message]] = {
    "system": _instruction,
    "developer": _instruction,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool_result,
}
USER_PARTS: dict[str, Callable[[Place], UserPart]] = {
    "text": _text,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
}
