"""How much a model is to think, in Anthropic's words.

platform.claude.com, "Extended thinking", "Adaptive thinking" and "Effort" (2026-11).
"""

from typing import Any

from dragoman.domain.chat import ChatRequest, Effort, ToolUse
from dragoman.domain.errors import Problem
from dragoman.domain.llm import Configuration, ReasoningFormat
from dragoman.protocols.anthropic.models import Thinking, model
from dragoman.protocols.base import UNSUPPORTED

LEAST_BUDGET = 1024
"""What the API takes as a budget at least [tokens]."""
LEAST_TOP_P = 0.95

SHARES = {
    Effort.MINIMAL: 0.1,
    Effort.LOW: 0.2,
    Effort.MEDIUM: 0.5,
    Effort.HIGH: 0.8,
    Effort.XHIGH: 0.9,
    Effort.MAX: 0.95,
}
"""How much of an answer's limit goes into thoughts, where that is a number. The rest is for words:
a budget has to be below the limit."""

NEAREST = {Effort.MINIMAL: Effort.LOW}
"""What Anthropic has no word for."""

SHOWN = frozenset({ReasoningFormat.PARSED, ReasoningFormat.RAW})


def thinking(chat: ChatRequest, llm: Configuration, problems: list[Problem]) -> dict[str, Any]:
    """Write the members that say how much to think; none where nobody has said."""
    effort, kind = chat.reasoning_effort, model(llm).thinking
    if effort is None:
        return {}
    if effort is Effort.NONE:
        return {} if kind is Thinking.NEVER else {"thinking": {"type": "disabled"}}
    if kind is Thinking.NEVER:
        message = "this LLM's model does not think"
        problems.append(Problem(("reasoning_effort",), message, UNSUPPORTED))
        return {}
    display = {"display": "summarized"} if llm.reasoning_format in SHOWN else {}
    if kind is Thinking.ADAPTIVE:
        word = NEAREST.get(effort, effort).value
        return {"thinking": {"type": "adaptive"} | display, "output_config": {"effort": word}}
    limit = chat.max_tokens or model(llm).max_tokens
    if limit <= LEAST_BUDGET:
        message = f"needs more than {LEAST_BUDGET} max_completion_tokens for this LLM"
        problems.append(Problem(("reasoning_effort",), message, "unsupported_value"))
        return {}
    problems += _excluded(chat)
    budget = max(LEAST_BUDGET, int(limit * SHARES[effort]))
    return {"thinking": {"type": "enabled", "budget_tokens": budget} | display}


def _excluded(chat: ChatRequest) -> list[Problem]:
    """Find what cannot be had together with a budget ("Extended thinking", on compatibility)."""
    excluded = []
    if chat.temperature not in {None, 1.0}:
        excluded.append("temperature")
    if chat.top_k is not None:
        excluded.append("top_k")
    if chat.top_p is not None and chat.top_p < LEAST_TOP_P:
        excluded.append("top_p")
    if chat.tool_choice is not None and chat.tool_choice.use is ToolUse.REQUIRED:
        excluded.append("tool_choice")
    message = "this LLM cannot have it together with reasoning_effort"
    return [Problem((name,), message, "unsupported_value") for name in excluded]
