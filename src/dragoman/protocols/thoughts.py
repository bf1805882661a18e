"""Where thoughts go in an answer: a member of its own, inside the text, or nowhere."""

from collections.abc import Iterable, Iterator

from dragoman.domain.chat_events import (
    Event,
    TextDelta,
    ThoughtDelta,
    ThoughtRedacted,
    ThoughtSigned,
    TokensUsed,
)
from dragoman.domain.llm import ReasoningFormat

BEGIN, END = "<think>", "</think>"
"""How models that think in their text set it apart (console.groq.com, docs, "Reasoning", 2026-11);
what is between the two cannot be sent back as a thought, for its signature is not there."""

WITHOUT_TEXT = ThoughtSigned | ThoughtRedacted


class Thoughts:
    """Puts the thoughts of one answer where an LLM's registration wants them."""

    def __init__(self, style: ReasoningFormat | None) -> None:
        self._style = style
        self._is_open = False

    def placed(self, events: Iterable[Event]) -> Iterator[Event]:
        """Give these events with thoughts in their place."""
        if self._style in {None, ReasoningFormat.PARSED}:
            yield from events
            return
        for event in events:
            if isinstance(event, ThoughtDelta):
                if self._style is ReasoningFormat.RAW:
                    yield TextDelta(event.text if self._is_open else BEGIN + event.text)
                    self._is_open = True
            elif not isinstance(event, WITHOUT_TEXT):
                if self._is_open and not isinstance(event, TokensUsed):
                    self._is_open = False
                    yield TextDelta(END)
                yield event
