"""Thoughts go where an LLM's registration wants them, and nothing else changes its place."""

import pytest

from dragoman.domain.chat_events import (
    Event,
    Finished,
    FinishReason,
    Started,
    TextDelta,
    ThoughtDelta,
    ThoughtRedacted,
    ThoughtSigned,
    TokensUsed,
)
from dragoman.domain.llm import ReasoningFormat
from dragoman.protocols.thoughts import Thoughts

BEGUN, ENDED = Started("a", "m"), Finished(FinishReason.STOP)
ANSWER: list[Event] = [
    BEGUN,
    ThoughtDelta(0, "Hm,"),
    TokensUsed(1, 1),
    ThoughtDelta(0, " so."),
    ThoughtSigned(0, "s"),
    ThoughtRedacted(1, "d"),
    TextDelta("Yes."),
    ThoughtDelta(2, "Or?"),
    ENDED,
]


def placed(style: ReasoningFormat | None) -> list[Event]:
    """Give the events one by one, as streams do."""
    thoughts = Thoughts(style)
    return [each for event in ANSWER for each in thoughts.placed([event])]


@pytest.mark.parametrize("style", [None, ReasoningFormat.PARSED])
def test_thoughts_stay_what_they_are(style: ReasoningFormat | None) -> None:
    assert placed(style) == ANSWER


def test_hidden_thoughts_are_nowhere() -> None:
    assert placed(ReasoningFormat.HIDDEN) == [BEGUN, TokensUsed(1, 1), TextDelta("Yes."), ENDED]


def test_raw_thoughts_are_marked_in_the_text() -> None:
    events = placed(ReasoningFormat.RAW)
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert "".join(texts) == "<think>Hm, so.</think>Yes.<think>Or?</think>"
    assert [event for event in events if not isinstance(event, TextDelta)] == [
        BEGUN,
        TokensUsed(1, 1),
        ENDED,
    ]
