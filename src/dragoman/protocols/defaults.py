"""What an LLM's registration adds to a call that is translated."""

from typing import Any

from msgspec import structs

from dragoman.domain.chat import ChatRequest, Effort
from dragoman.domain.llm import Configuration, ReasoningEffort

DEFAULTS = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "top_p": "top_p",
    "top_k": "top_k",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "stop_sequences": "stop",
}
"""What a stored default is called, and what the parameter is."""


def completed(chat: ChatRequest, llm: Configuration) -> ChatRequest:
    """Fill in the stored defaults that the caller left out."""
    stored: dict[str, Any] = {
        theirs: getattr(llm.sampling, ours) for ours, theirs in DEFAULTS.items()
    }
    if llm.reasoning_effort not in {None, ReasoningEffort.DEFAULT}:
        stored["reasoning_effort"] = Effort(llm.reasoning_effort)
    missing = {
        name: value
        for name, value in stored.items()
        if value not in {None, ()} and getattr(chat, name) in {None, ()}
    }
    return structs.replace(chat, **missing) if missing else chat
