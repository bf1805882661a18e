"""Golden transcripts: what a caller asks, what is sent, and what the answer is and means.

Each names the page of its vendor that it is made after; words and values are our own.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import msgspec
import pytest
from msgspec import Struct

from dragoman.domain.chat import ChatRequest
from dragoman.domain.llm import Configuration, ProtocolName
from dragoman.domain.url import Endpoint
from dragoman.gateway.body import read_members
from dragoman.protocols import anthropic, openai_chat
from dragoman.protocols.base import WireFormat
from dragoman.protocols.openai_chat.reading import read

FOLDER = Path(__file__).parent
DONE = "[DONE]"

FORMATS: Mapping[str, tuple[WireFormat, ProtocolName, str]] = MappingProxyType(
    {
        "anthropic": (anthropic, ProtocolName.ANTHROPIC, "https://api.anthropic.com/v1/messages"),
        "openai_chat": (
            openai_chat,
            ProtocolName.OPENAI,
            "https://api.openai.com/v1/chat/completions",
        ),
    }
)


class Transcript(Struct, frozen=True, kw_only=True):
    """One exchange in one wire format."""

    source: str
    llm: dict[str, Any]
    """What of the LLM's configuration matters."""
    caller: dict[str, Any]
    """What is asked for, in OpenAI's format."""
    sent: dict[str, Any]
    """What the upstream is asked."""
    whole: dict[str, Any]
    """Its answer."""
    stream: list[Any]
    """The same answer as the data of events."""
    answer: dict[str, Any]
    """What the caller hears, in short."""
    name: str = ""
    protocol: str = ""

    @property
    def format(self) -> WireFormat:
        return FORMATS[self.protocol][0]

    @property
    def url(self) -> str:
        return FORMATS[self.protocol][2]

    @property
    def configuration(self) -> Configuration:
        return configured(self.protocol, **self.llm)

    @property
    def chat(self) -> ChatRequest:
        return chat_of(self.caller)

    @property
    def events(self) -> list[bytes]:
        """The stream's events as they are sent."""
        return [framed(event) for event in self.stream]

    @property
    def body(self) -> bytes:
        """The whole answer as it is sent."""
        return json.dumps(self.whole, ensure_ascii=False).encode()


def framed(event: Any) -> bytes:
    """Write an event of a stream, with its name where it has one."""
    if event == DONE:
        return b"data: [DONE]\n\n"
    data = b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
    return b"event: %b\n%b" % (event["type"].encode(), data) if "type" in event else data


def chat_of(caller: dict[str, Any]) -> ChatRequest:
    return read(read_members(json.dumps(caller, ensure_ascii=False).encode()))


def configured(protocol: str, **members: Any) -> Configuration:
    """Make an LLM of this format."""
    _, name, url = FORMATS[protocol]
    known = {
        "display_name": "my-llm",
        "protocol": name.value,
        "endpoints": [Endpoint.parse(url)],
        "model": "claude-sonnet-4-5",
    }
    return msgspec.convert(known | members, Configuration)


def _read(path: Path) -> Transcript:
    case = msgspec.json.decode(path.read_bytes(), type=Transcript)
    return msgspec.structs.replace(case, name=path.stem, protocol=path.parent.name)


TRANSCRIPTS = [_read(path) for path in sorted(FOLDER.glob("*/*.json"))]

every_transcript = pytest.mark.parametrize(
    "transcript", TRANSCRIPTS, ids=[f"{each.protocol}-{each.name}" for each in TRANSCRIPTS]
)


def of(protocol: str, name: str) -> Transcript:
    """Give one of them."""
    return next(each for each in TRANSCRIPTS if (each.protocol, each.name) == (protocol, name))


def arguments(text: str) -> Any:
    """Read the arguments of a call; what is not JSON is itself."""
    try:
        return cast("Any", json.loads(text))
    except ValueError:
        return text
