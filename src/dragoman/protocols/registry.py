"""The wire formats that calls can be translated into; a new one is a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from dragoman.domain.llm import ProtocolName
from dragoman.protocols import anthropic, openai_chat
from dragoman.protocols.base import WireFormat

TRANSLATED: Mapping[ProtocolName, WireFormat] = MappingProxyType(
    {
        ProtocolName.ANTHROPIC: anthropic,
    }
)
"""What callers of OpenAI's format cannot be passed through to."""


def wire_format(name: ProtocolName) -> WireFormat:
    """Give the format that an LLM's server speaks."""
    return TRANSLATED.get(name, openai_chat)


def is_spoken(name: ProtocolName) -> bool:
    """Tell whether servers of this format can be called."""
    return name in openai_chat.SPOKEN_BY or name in TRANSLATED
