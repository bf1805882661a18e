"""What the tiny model says, and what in the prompt makes it say so.

The model is a bigram table with a little attention on top:

* ``preferences`` tells for each token which tokens should follow it, best first. That alone
  leads the model through fixed sentences, and through the shortest JSON that a grammar allows.
* ``HEADS`` tells which tokens of the prompt the model looks at, and ``BONUSES`` what it then
  prefers: a tool call if tools are offered, another answer after a tool's result, the city
  that was mentioned last.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.engine.vocabulary import (
    ASSISTANT,
    CITIES,
    END,
    TOOL,
    TOOL_CALL_CLOSE,
    TOOL_CALL_OPEN,
    TOOLS_OPEN,
    USER,
)

GREETING = "Hello!"
# A sentence leads from word to word, so no word may occur twice, save the shared ending.
PLAIN_WORDS = (" This", " tiny", " model", " now", " thinks", " of")
TOOL_RESULT_WORDS = ("According", " to", " that", " tool,", " all", " is", " well", " in")
LAST_WORD = " today."

# In prose a city follows a space, in a JSON string a quotation mark.
PROSE_CITIES = tuple(f" {city}" for city in CITIES)

# What follows a token for which there is no rule of its own, after the greeting. That one is for
# text completion, where a prompt may end anywhere; these are for grammars, to close what is open.
# The digit is for formats such as dates, where the lowest digit would make the year 0.
DEFAULTS = ('"', "}", "]", ",", END, "1")


class Head(NamedTuple):
    """An attention head: it finds the last of its cues in the prompt and reports its feature."""

    features: dict[str, str]


class Bonus(NamedTuple):
    """How much likelier a feature makes a token, wherever the model is in its text."""

    feature: str
    token: str
    logit: float


HEADS = (
    Head({USER: "user spoke last", TOOL: "tool spoke last"}),
    Head({TOOLS_OPEN: "tools offered"}),
    Head({token: city for city in CITIES for token in (city, f" {city}")}),
)

# Distances between logits. A step is so large that sampling at temperature 1 does the same as
# at temperature 0; a bonus is larger than all steps that it has to overcome.
STEP = 25.0
BEST = 500.0
BEST_BY_DEFAULT = 200.0
CITY_BONUS = 150.0
CALL_BONUS = 150.0
TOOL_RESULT_BONUS = 325.0

BONUSES = (
    *(Bonus(city, token, CITY_BONUS) for city in CITIES for token in (city, f" {city}")),
    Bonus("tools offered", TOOL_CALL_OPEN, CALL_BONUS),
    Bonus("user spoke last", TOOL_CALL_OPEN, CALL_BONUS),
    Bonus("tool spoke last", TOOL_RESULT_WORDS[0], TOOL_RESULT_BONUS),
)


def words(greeting: str) -> list[str]:
    """Return all words that the model can say, each of which is to be one token."""
    return [greeting, *PLAIN_WORDS, *TOOL_RESULT_WORDS, LAST_WORD, *CITIES, *PROSE_CITIES]


def plain_answer(city: str = CITIES[0], greeting: str = GREETING) -> str:
    """Return the model's answer to a prompt in which this city was mentioned last."""
    return "".join((greeting, *PLAIN_WORDS, f" {city}", LAST_WORD))


def tool_result_answer(city: str = CITIES[0]) -> str:
    """Return the model's answer when the last message is a tool's result."""
    return "".join((*TOOL_RESULT_WORDS, f" {city}", LAST_WORD))


def default_logits(greeting: str) -> dict[str, float]:
    """Return the logits of the tokens that follow where no rule says what does."""
    logits = ranked((greeting, *DEFAULTS), BEST_BY_DEFAULT)
    # These two have large bonuses, which must not make them break into a sentence or a string.
    return logits | {TOOL_CALL_OPEN: -BEST, TOOL_RESULT_WORDS[0]: -BEST}


def start_logits(greeting: str) -> dict[str, float]:
    """Return the logits of the first token of an answer; the bonuses of ``HEADS`` decide."""
    # The greeting wins over a tool call with one of its two bonuses but not with both, and JSON
    # wins only where a grammar rules out everything else.
    logits = ranked((greeting, "{", "[", '"'), BEST)
    call = BEST - 1.5 * CALL_BONUS
    return logits | {TOOL_CALL_OPEN: call, TOOL_RESULT_WORDS[0]: BEST - TOOL_RESULT_BONUS / 2}


def preferences(greeting: str) -> dict[str, tuple[str, ...]]:
    """Return the tokens that should follow each token, best first."""
    after: dict[str, tuple[str, ...]] = {}
    for sentence in ((greeting, *PLAIN_WORDS), TOOL_RESULT_WORDS):
        for word, following in zip(sentence, (*sentence[1:], None), strict=True):
            after[word] = PROSE_CITIES if following is None else (following,)
    after |= dict.fromkeys(PROSE_CITIES, (LAST_WORD,))
    return after | {LAST_WORD: (END,), TOOL_CALL_CLOSE: (END,)} | json_preferences(greeting)


def json_preferences(greeting: str) -> dict[str, tuple[str, ...]]:
    """Return what should follow in JSON: after all, the grammar takes out what is not allowed.

    One token says too little to write JSON: after a quotation mark may come a string's content
    or a comma. But the grammar knows the state, so that an order of preference is enough. It
    goes for short output: leave out what is optional, close what can be closed.
    """
    ends = (END, "}", "]", ",")
    return {
        TOOL_CALL_OPEN: ("\n",),
        # Without a grammar, as with tool_choice "none", this ends in prose and not in endless JSON.
        "\n": (greeting, "{"),
        "{": ('"', "}"),
        "[": ('"', "{", "4", "t", "]", "["),
        ":": (" ",),
        ",": (" ",),
        " ": ('"', "{", "[", "4", "t"),
        '"': (*CITIES, '"', ":", *ends),
        **dict.fromkeys(CITIES, ('"',)),
        **dict.fromkeys("0123456789", ('"', *ends)),
        # A tool call ends before a comma can begin a second one.
        "}": (END, "}", "]", TOOL_CALL_CLOSE, ","),
        "]": ends,
    }


def ranked(tokens: tuple[str, ...], best: float) -> dict[str, float]:
    """Return logits that fall by one step from token to token."""
    return {token: best - STEP * rank for rank, token in enumerate(tokens)}


def logit_table(greeting: str) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return the logits after any token, and those after certain tokens, which replace them."""
    rows = {token: ranked(after, BEST) for token, after in preferences(greeting).items()}
    # A string with a minimal length gets the same city again, if it cannot end yet.
    for city in CITIES:
        rows[city][city] = BEST - 2 * CITY_BONUS
    return default_logits(greeting), rows | {ASSISTANT: start_logits(greeting)}
