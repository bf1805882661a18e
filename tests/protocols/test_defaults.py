"""Stored defaults fill what a caller leaves out of a call that is translated."""

from dragoman.domain.chat import ChatRequest, Effort
from dragoman.domain.llm import ReasoningEffort, Sampling
from dragoman.protocols.defaults import completed
from tests.protocols.transcripts import configured

FULL = configured(
    "anthropic",
    sampling=Sampling(
        temperature=0.0,
        max_tokens=9,
        top_p=0.5,
        top_k=3,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        stop_sequences=("END",),
    ),
    reasoning_effort=ReasoningEffort.LOW,
)


def test_what_is_left_out_is_filled_in() -> None:
    assert completed(ChatRequest(messages=()), FULL) == ChatRequest(
        messages=(),
        temperature=0.0,
        max_tokens=9,
        top_p=0.5,
        top_k=3,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        stop=("END",),
        reasoning_effort=Effort.LOW,
    )


def test_what_the_caller_says_stays() -> None:
    asked = ChatRequest(
        messages=(),
        temperature=1.0,
        max_tokens=1,
        top_p=1.0,
        top_k=1,
        frequency_penalty=0.0,
        presence_penalty=0.0,
        stop=("x",),
        reasoning_effort=Effort.NONE,
    )
    assert completed(asked, FULL) == asked


def test_an_llm_without_defaults_adds_nothing() -> None:
    asked = ChatRequest(messages=())
    plain = configured("anthropic", reasoning_effort=ReasoningEffort.DEFAULT)
    assert completed(asked, plain) == asked
