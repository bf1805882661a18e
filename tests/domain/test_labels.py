"""The grammar of label selectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.labels import (
    MAX_KEY_LENGTH,
    MAX_REQUIREMENTS,
    MAX_SELECTOR_LENGTH,
    MAX_VALUE_LENGTH,
    Operator,
    Requirement,
    label_problem,
    parse_selector,
)

IN, NOT_IN = Operator.IN, Operator.NOT_IN


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("env=prod", Requirement("env", IN, ("prod",))),
        ("env==prod", Requirement("env", IN, ("prod",))),
        (" env = prod ", Requirement("env", IN, ("prod",))),
        ("env=", Requirement("env", IN, ("",))),
        ("env=two words", Requirement("env", IN, ("two words",))),
        ("env!=prod", Requirement("env", NOT_IN, ("prod",))),
        ("env != prod", Requirement("env", NOT_IN, ("prod",))),
        ("env in (a)", Requirement("env", IN, ("a",))),
        ("env in(a,b)", Requirement("env", IN, ("a", "b"))),
        ("env in ( a , b c,)", Requirement("env", IN, ("a", "b c", ""))),
        ("env notin (a, b)", Requirement("env", NOT_IN, ("a", "b"))),
        ("env", Requirement("env", Operator.EXISTS)),
        ("!env", Requirement("env", Operator.ABSENT)),
        ("! env ", Requirement("env", Operator.ABSENT)),
        ("in", Requirement("in", Operator.EXISTS)),
        ("in in (in)", Requirement("in", IN, ("in",))),
        ("notin=notin", Requirement("notin", IN, ("notin",))),
        ("app.example/name=a:b", Requirement("app.example/name", IN, ("a:b",))),
        ("größe=ä", Requirement("größe", IN, ("ä",))),
    ],
)
def test_one_condition(text: str, requirement: Requirement) -> None:
    assert parse_selector(text) == (requirement,)


def test_conditions_are_divided_by_commas_outside_of_parentheses() -> None:
    assert parse_selector("env=prod,tier in (a,b),!old , owner") == (
        Requirement("env", IN, ("prod",)),
        Requirement("tier", IN, ("a", "b")),
        Requirement("old", Operator.ABSENT),
        Requirement("owner", Operator.EXISTS),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "a,",
        ",a",
        "a,,b",
        "=b",
        "!=b",
        "!",
        "!!a",
        "a b",
        "a=b=c",
        "a=!b",
        "a===b",
        "a in",
        "a in b",
        "a in (b",
        "a in b)",
        "a in (b))",
        "a in ((b))",
        "a in (b) c",
        "a in (b)(c)",
        "a within (b)",
        "ain (b)",
        "a=(b)",
        "a)",
        "!a=b",
        "a=\x00",
        "a in (\x07)",
        f"{'k' * (MAX_KEY_LENGTH + 1)}=v",
        f"k={'v' * (MAX_VALUE_LENGTH + 1)}",
        f"k in (a, {'v' * (MAX_VALUE_LENGTH + 1)})",
    ],
)
def test_what_is_no_selector(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        parse_selector(text)


def test_a_selector_has_an_end() -> None:
    assert len(parse_selector(",".join(["a"] * MAX_REQUIREMENTS))) == MAX_REQUIREMENTS
    with pytest.raises(ValueError, match="at most 20 conditions"):
        parse_selector(",".join(["a"] * (MAX_REQUIREMENTS + 1)))
    assert parse_selector("a" + " " * (MAX_SELECTOR_LENGTH - 1))
    with pytest.raises(ValueError, match="at most 4096 characters"):
        parse_selector("a" + " " * MAX_SELECTOR_LENGTH)


@pytest.mark.parametrize("piece", [",", "(", ")", "a in (", "a ", " ", "a=", "!", "a,", "a in (,"])
def test_a_hostile_selector_is_refused(piece: str) -> None:
    text = (piece * MAX_SELECTOR_LENGTH)[:MAX_SELECTOR_LENGTH]
    with pytest.raises(ValueError, match=r"^must "):
        parse_selector(text)


def test_a_value_that_is_listed_twice_counts_once() -> None:
    assert parse_selector("a in (x, y, x)") == (Requirement("a", IN, ("x", "y")),)


simple = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="=!,()"))
keys = simple.filter(lambda text: 0 < len(text) <= MAX_KEY_LENGTH and not text.isspace())


@given(key=keys, values=st.lists(simple, min_size=1, max_size=5, unique=True))
def test_every_label_of_plain_words_can_be_asked_for(key: str, values: list[str]) -> None:
    wanted = Requirement(key, IN, tuple(values))
    assert label_problem(key, values[0]) is None
    assert parse_selector(f"{key} in ({','.join(values)})") == (wanted,)
    assert parse_selector(f"{key}={values[0]}") == (Requirement(key, IN, (values[0],)),)


@given(text=st.text("ab=!,() in", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_selector_or_refused_with_a_sentence(text: str) -> None:
    try:
        found = parse_selector(text)
    except ValueError as error:
        found, sentence = (), str(error)
    else:
        sentence = "must be as it is"
    assert sentence.startswith("must ")
    assert all(label_problem(each.key, "") is None for each in found)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("", ""),
        (" ", ""),
        ("a b", ""),
        ("a=b", ""),
        ("a,b", ""),
        ("a(b", ""),
        ("!a", ""),
        ("a\n", ""),
        ("k" * (MAX_KEY_LENGTH + 1), ""),
        ("a", "\n"),
        ("a", "v" * (MAX_VALUE_LENGTH + 1)),
    ],
)
def test_what_is_no_label(key: str, value: str) -> None:
    assert label_problem(key, value) is not None


def test_what_is_a_label() -> None:
    assert label_problem("a" * MAX_KEY_LENGTH, "v" * MAX_VALUE_LENGTH) is None
    assert label_problem("app.example/name", "") is None
