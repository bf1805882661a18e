"""Strict JSON reads what everyone reads alike, and refuses the rest in one way."""

import contextlib
import json
import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialect.strict_json import MAX_DEPTH, loads
from dragoman.domain.errors import Malformed

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=8,
)
indents = st.sampled_from([None, 0, 2])

NOT_JSON = {
    "nothing": b"",
    "white space": b" \n",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32": '{"a": 1}'.encode("utf-32-le"),
    "a byte that is not UTF-8": b'{"a": "\xff"}',
    "half of a UTF-8 character": b'{"a": "\xc3',
    "an overlong slash": b'{"a": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "something behind it": b"{} {}",
    "a bracket behind it": b'{"a": 1}}',
    "a NUL behind it": b"{}\0",
    "an end that is missing": b'{"a": 1',
    "a comma too many": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "a comment": b'{"a": 1} // one',
    "a raw line break in a text": b'["a\nb"]',
    "a raw NUL in a text": b'["a\0b"]',
    "an unknown escape": b'["\\x41"]',
    "a number with a zero before it": b"[01]",
    "a number with a plus": b"[+1]",
    "a number without an integer part": b"[.5]",
    "a hexadecimal number": b"[0x10]",
    "Python's True": b"[True]",
    "NaN": b"NaN",
    "NaN inside": b'{"a": [NaN]}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
}

TOO_LARGE = {
    "an exponent too large": b"1e999",
    "a negative one": b"-1e999",
    "one inside": b'{"a": [1E+400]}',
    "an exponent without end": b"1e" + b"9" * 100_000,
    "an integer beyond a double": b"1" + b"0" * 309,
    "an integer far beyond": b"9" * 401,
    "more digits than Python reads": b"9" * 5000,
    "a negative integer far beyond": b"-" + b"9" * 5000,
    "a million digits": b"9" * 1_000_000,
    "a fraction without end": b"0." + b"1" * 100_000,
    "a digit too many": b"[0." + b"1" * 399 + b"]",
    "one behind a text that ends in a backslash": b'["\\\\",' + b"1" * 401 + b"]",
    "one between two texts": b'["a",' + b"1" * 401 + b',"b"]',
}

TWICE = {
    "the same name": b'{"a": 1, "a": 2}',
    "the same value too": b'{"a": 1, "a": 1}',
    "far apart": b'{"a": 1, "b": {"a": 1}, "c": [], "a": 1}',
    "spelled in two ways": b'{"model": 1, "mod\\u0065l": 2}',
    "inside an object": b'{"x": {"a": 1, "a": 2}}',
    "inside a list": b'[1, [{"a": 1, "a": 2}]]',
    "empty names": b'{"": 1, "": 2}',
    "deep inside": b"[" * 60 + b'{"a": 1, "a": 2}' + b"]" * 60,
}

BAD_TEXT = {
    "NUL in a value": b'{"a": "x\\u0000y"}',
    "NUL in a name": b'{"x\\u0000y": 1}',
    "NUL as the whole body": b'"\\u0000"',
    "NUL in a list": b'[["\\u0000"]]',
    "a high surrogate in a value": b'{"a": "\\ud800"}',
    "a low surrogate in a value": b'{"a": "\\udfff"}',
    "a high surrogate in a name": b'{"\\ud800": 1}',
    "a low surrogate in a name": b'{"x": {"\\udc00y": 1}}',
    "surrogates in the wrong order": b'["\\ude00\\ud83d"]',
    "a surrogate as the whole body": b'"\\ud83d"',
}


def nested(depth: int, opening: bytes = b"[", inner: bytes = b"", closing: bytes = b"]") -> bytes:
    return opening * depth + inner + closing * depth


DEEP = {
    "lists": (b"[", b"", b"]"),
    "lists around a number": (b"[", b"1", b"]"),
    "objects": (b'{"a":', b"null", b"}"),
    "lists beside numbers": (b"[1,", b"2", b"]"),
}


ENDLESS = {
    "numbers": b"[" + b"0," * 5000 + b"0]",
    "fractions": b"[" + b"0.5," * 5000 + b"0]",
    "one text": b'"' + b"x" * 10_000 + b'"',
    "one text that is not ASCII": b'"' + "ü".encode() * 10_000 + b'"',
}


def refused(body: bytes) -> Malformed:
    with pytest.raises(Malformed) as error:
        loads(body)
    return error.value


@given(value=values, indent=indents, escaped=st.booleans())
def test_ordinary_json_is_read_as_everywhere(
    value: Any, indent: int | None, *, escaped: bool
) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=escaped).encode()
    assert repr(loads(body)) == repr(json.loads(body)) == repr(value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b' \t\r\n{"a": 1}\n ', {"a": 1}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"1e308", 1e308),
        (b"-1.7976931348623157e308", -1.7976931348623157e308),
        (b"1e-999", 0.0),
        (b"9" * 300, int("9" * 300)),
        (b"[0." + b"1" * 398 + b"]", [float("0." + "1" * 398)]),
        (b'["' + b"9" * 5000 + b'", 1]', ["9" * 5000, 1]),
        (b'{"\\"' + b"1" * 401 + b'\\"": 1}', {'"' + "1" * 401 + '"': 1}),
        (b'{"a": {"a": [{"a": 1}, {"a": 2}]}}', {"a": {"a": [{"a": 1}, {"a": 2}]}}),
        (b'{"a": 1, "A": 2}', {"a": 1, "A": 2}),
        (b'["NaN", "Infinity"]', ["NaN", "Infinity"]),
    ],
    ids=lambda given: ascii(given)[:40],
)
def test_these_are_fine(body: bytes, value: Any) -> None:
    assert loads(body) == value


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_in_utf_8_is_refused(body: bytes) -> None:
    assert refused(body).code == "invalid_json"


@pytest.mark.parametrize("body", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_number_beyond_a_double_is_refused(body: bytes) -> None:
    assert refused(body).code == "invalid_number"


@pytest.mark.parametrize("body", TWICE.values(), ids=TWICE)
def test_a_name_that_stands_twice_is_refused(body: bytes) -> None:
    assert refused(body).code == "duplicate_member"


@pytest.mark.parametrize("body", BAD_TEXT.values(), ids=BAD_TEXT)
def test_a_text_that_not_everyone_can_store_is_refused(body: bytes) -> None:
    assert refused(body).code == "invalid_text"


@pytest.mark.parametrize("parts", DEEP.values(), ids=DEEP)
def test_64_levels_are_fine(parts: tuple[bytes, bytes, bytes]) -> None:
    body = nested(64, *parts)
    assert loads(body) == json.loads(body)


@pytest.mark.parametrize("depth", [65, 66, 500, 5000, 100_000])
@pytest.mark.parametrize("parts", DEEP.values(), ids=DEEP)
def test_65_and_more_levels_are_not(parts: tuple[bytes, bytes, bytes], depth: int) -> None:
    assert refused(nested(depth, *parts)).code == "too_deep"


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_no_number_and_no_character_costs_a_call(body: bytes) -> None:
    calls: Counter[str] = Counter()

    def count(_: FrameType, event: str, __: object) -> None:
        calls[event] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        loads(body)
    finally:
        sys.setprofile(before)
    assert calls["call"] < 100


def test_the_limit_is_64() -> None:
    assert MAX_DEPTH == 64


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_100_000_brackets_that_are_never_closed_are_refused(opening: bytes) -> None:
    assert refused(opening * 100_000).code in {"too_deep", "invalid_json"}


def test_brackets_side_by_side_are_no_levels() -> None:
    body = b"[" + b"[{}]," * 1000 + b"1]"
    assert loads(body) == json.loads(body)


def test_brackets_in_texts_are_no_levels() -> None:
    assert loads(b'{"a": "' + b"[{" * 1000 + b'"}') == {"a": "[{" * 1000}


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_comes_in_nothing_but_malformed_comes_out(body: bytes) -> None:
    try:
        value = loads(body)
    except Malformed:
        return
    assert value == json.loads(body)


@given(values, st.integers(0, 10_000), st.binary(max_size=3))
def test_nor_from_json_with_a_piece_of_it_replaced(value: Any, place: int, piece: bytes) -> None:
    body = json.dumps([value]).encode()
    place %= len(body)
    with contextlib.suppress(Malformed):
        loads(body[:place] + piece + body[place + len(piece) :])


@pytest.mark.parametrize(
    "body",
    [
        b'{"secret": "sk-plain-4f1d7c", "secret": "sk-plain-4f1d7c"}',
        b'{"sk-plain-4f1d7c": 1, "sk-plain-4f1d7c": 2}',
        b'{"secret": "sk-plain-4f1d7c\\u0000"}',
        b'{"secret": sk-plain-4f1d7c}',
        b'{"secret": "sk-plain-4f1d7c\xff"}',
        b'{"sk-plain-4f1d7c\\ud800": 1}',
    ],
    ids=ascii,
)
def test_no_message_quotes_the_body(body: bytes) -> None:
    assert "sk-plain" not in f"{refused(body)} {refused(body)!r}"


def test_a_message_says_where_reading_ended() -> None:
    assert refused(b'{\n  "a": 1,\n  b\n}').message == (
        "The body is not valid JSON (line 3, column 3)."
    )
