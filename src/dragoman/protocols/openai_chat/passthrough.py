"""OpenAI Chat Completions: what a stored LLM adds to a caller's request.

The caller speaks this format too, so a request is edited, not rebuilt: only the members named
here are touched, all others stay as they came, byte for byte.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from dragoman.domain.llm import Configuration, ProtocolName, ReasoningEffort, Sampling

SPOKEN_BY = frozenset({ProtocolName.OPENAI, ProtocolName.CUSTOM, ProtocolName.GROQ_OPENAI})

NO_SAMPLING = Sampling()

SAMPLING_MEMBERS: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temperature",
        "top_p": "top_p",
        # not OpenAI's, but vLLM's, Ollama's and llama.cpp's (their API references, 2026-11)
        "top_k": "top_k",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "stop_sequences": "stop",
    }
)
"""What the domain calls a default, and what the format calls it."""

MAX_TOKENS_MEMBERS = ("max_completion_tokens", "max_tokens")
"""Two spellings of one limit (platform.openai.com, API reference, chat, 2026-11)."""

HOSTS_WITHOUT_MAX_TOKENS = frozenset({"api.openai.com", "api.groq.com"})
"""Where the old spelling is deprecated and refused by reasoning models; others know only it."""


def edited(members: dict[str, msgspec.Raw], llm: Configuration, host: str) -> bytes:
    """Write the body for this host: the upstream's model name, and the defaults left out."""
    body: dict[str, Any] = {**members, "model": llm.model}
    if llm.sampling != NO_SAMPLING or llm.reasoning_effort or llm.reasoning_format:
        body.update(_defaults(members, llm, host))
    return msgspec.json.encode(body)


def max_tokens_member(host: str) -> str:
    """Say how the limit of an answer is spelled there."""
    return MAX_TOKENS_MEMBERS[host not in HOSTS_WITHOUT_MAX_TOKENS]


def _defaults(
    members: dict[str, msgspec.Raw], llm: Configuration, host: str
) -> Iterator[tuple[str, Any]]:
    sampling = llm.sampling
    for ours, theirs in SAMPLING_MEMBERS.items():
        value = getattr(sampling, ours)
        if value not in {None, ()} and theirs not in members:
            yield theirs, value
    if sampling.max_tokens is not None and not any(name in members for name in MAX_TOKENS_MEMBERS):
        yield max_tokens_member(host), sampling.max_tokens
    effort = llm.reasoning_effort
    if effort not in {None, ReasoningEffort.DEFAULT} and "reasoning_effort" not in members:
        yield "reasoning_effort", effort
    # console.groq.com, docs, "Reasoning" (2026-11): a member that only Groq has
    style = llm.reasoning_format if llm.protocol is ProtocolName.GROQ_OPENAI else None
    if style is not None and not {"reasoning_format", "include_reasoning"} & members.keys():
        yield "reasoning_format", style
