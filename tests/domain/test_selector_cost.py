"""What reading a selector costs: anybody with a key may send one as long as a head can be."""

import time

import pytest

from dragoman.domain.labels import MAX_LISTED_VALUES, Operator, Requirement, parse_selector

LONGEST = 30_000
ENOUGH_S = 0.5
"""Far more than it takes; what grew with the square of the length took 10 to 30 seconds."""


@pytest.mark.parametrize(
    "text",
    [
        "," * LONGEST,
        "a," * (LONGEST // 2),
        "a in (" + "," * LONGEST,
        "(" * LONGEST,
        "()" * (LONGEST // 2),
        "a=" + " " * LONGEST + "!",
        "a!=" + " " * LONGEST + "=",
        "a" + " " * LONGEST + "b",
        "a in" + " " * LONGEST + "b",
        "a in (" + " " * LONGEST + "(",
        "x" * LONGEST,
        "x " * (LONGEST // 2),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_selector_that_is_none_is_refused_at_once_however_long_it_is(text: str) -> None:
    began_at = time.perf_counter()
    with pytest.raises(ValueError, match="conditions"):
        parse_selector(text)
    assert time.perf_counter() - began_at < ENOUGH_S


def test_a_comma_within_a_list_parts_values_and_one_outside_parts_conditions() -> None:
    assert parse_selector("a in (x, y),b=1 ,!c , d notin (z)") == (
        Requirement("a", Operator.IN, ("x", "y")),
        Requirement("b", Operator.IN, ("1",)),
        Requirement("c", Operator.ABSENT),
        Requirement("d", Operator.NOT_IN, ("z",)),
    )


@pytest.mark.parametrize("text", ["a in (x, y", "a, b)", "a in (x, (y))", "a in (x), (y)", ",", ""])
def test_brackets_that_do_not_fit_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="conditions"):
        parse_selector(text)


def test_a_list_holds_a_hundred_values_and_no_more() -> None:
    values = [f"v{number}" for number in range(MAX_LISTED_VALUES)]
    (found,) = parse_selector(f"a in ({','.join(values)}, v1)")
    assert found.values == tuple(values)
    with pytest.raises(ValueError, match="more than 100 values"):
        parse_selector(f"a notin ({','.join(values)}, another)")
