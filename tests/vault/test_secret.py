"""A secret does not slip out, whatever is done with it by accident."""

import copy
import io
import json
import logging
import operator
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.vault.secret import MASK, Secret, header_problem, looks_masked

PLAIN = "sk-plain-4f1d7c"

SHOWN: dict[str, Callable[[Secret], str]] = {
    "repr()": repr,
    "str()": str,
    "ascii()": ascii,
    "format()": format,
    "format() with a spec": lambda secret: format(secret, ">40"),
    "an f-string": lambda secret: f"{secret}",
    "an f-string with a spec": lambda secret: f"{secret:>40}",
    "an f-string with !r": lambda secret: f"{secret!r}",
    "an f-string with =": lambda secret: f"{secret=}",
    "str.format": "{0} {0!r} {0!s}".format,
    "%s": lambda secret: "%s" % secret,  # noqa: UP031  # this spelling is what is tried
    "%r": lambda secret: "%r" % secret,  # noqa: UP031
    "a list": lambda secret: str([secret]),
    "a dictionary": lambda secret: str({"secret": secret}),
    "pprint": lambda secret: pprint.pformat({"secret": secret}),
    "an exception": lambda secret: str(ValueError(secret)),
    "an exception's repr": lambda secret: repr(ValueError(secret)),
    "a struct's repr": lambda secret: repr(Holder(secret)),
    "json with default=str": lambda secret: json.dumps({"secret": secret}, default=str),
    "json with default=repr": lambda secret: json.dumps({"secret": secret}, default=repr),
}

REFUSED: dict[str, Callable[[Any], object]] = {
    "json": json.dumps,
    "json, inside a dictionary": lambda secret: json.dumps({"secret": secret}),
    "json, with its variables": lambda secret: json.dumps(secret, default=vars),
    "msgspec, as JSON": msgspec.json.encode,
    "msgspec, as MessagePack": msgspec.msgpack.encode,
    "msgspec, inside a struct": lambda secret: msgspec.json.encode(Holder(secret)),
    "msgspec, as builtins": msgspec.to_builtins,
    "vars()": vars,
    "dict()": dict,
    "list()": list,
    "bytes()": bytes,
    "joining": "".join,
    "adding": lambda secret: operator.add("Bearer ", secret),
    "hash()": hash,
    "being a key": lambda secret: {secret: 1},
    "== with itself": lambda secret: operator.eq(secret, secret),
    "== with its text": lambda secret: operator.eq(secret, PLAIN),
    "== from its text": lambda secret: operator.eq(PLAIN, secret),
    "!=": lambda secret: operator.ne(secret, Secret(PLAIN)),
    "in a list": lambda secret: secret in [Secret("x"), Secret(PLAIN)],
    "== of structs around it": lambda secret: operator.eq(Holder(secret), Holder(Secret(PLAIN))),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy of what holds it": lambda secret: copy.deepcopy([secret]),
    "__reduce__": lambda secret: secret.__reduce__(),
    "__getstate__": lambda secret: secret.__getstate__(),
}


class Holder(msgspec.Struct):
    secret: Secret


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_whatever_shows_a_secret_shows_a_mask(show: Callable[[Secret], str]) -> None:
    shown = show(Secret(PLAIN))
    assert MASK in shown
    assert PLAIN not in shown


def test_how_a_secret_is_shown() -> None:
    secret = Secret(PLAIN)
    assert (str(secret), repr(secret), f"{secret:>40}") == ("****", "Secret(****)", "****")


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
def test_what_would_carry_a_secret_off_is_refused(attempt: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as refused:
        attempt(Secret(PLAIN))
    assert PLAIN not in str(refused.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_protocol_pickles_a_secret(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(PLAIN), protocol)


def test_a_log_line_has_a_mask_in_its_place() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(extra_field)s"))
    record = logging.makeLogRecord(
        {"msg": "secret=%s %r", "args": (Secret(PLAIN),) * 2, "extra_field": Secret(PLAIN)}
    )
    handler.handle(record)
    assert stream.getvalue() == "secret=**** Secret(****) ****\n"


def test_a_traceback_with_local_variables_has_a_mask_in_its_place() -> None:
    secret = Secret(PLAIN)
    try:
        raise LookupError(f"nothing is found for {secret}")
    except LookupError as error:
        written = traceback.TracebackException.from_exception(error, capture_locals=True)
        text = "".join(written.format())
    assert "secret = Secret(****)" in text
    assert "LookupError: nothing is found for ****" in text


def test_a_secret_has_no_room_for_more() -> None:
    with pytest.raises(AttributeError):
        Secret(PLAIN).note = PLAIN  # type: ignore[attr-defined]


@given(st.text())
def test_revealing_gives_the_plain_text(text: str) -> None:
    assert Secret(text).reveal() == text


utf8_texts = st.text(st.characters(codec="utf-8"))


@given(utf8_texts, utf8_texts)
def test_two_secrets_are_the_same_exactly_when_their_texts_are(one: str, other: str) -> None:
    assert Secret(one).is_same_as(Secret(other)) is (one == other)
    assert Secret(one).is_same_as(Secret(one))


@pytest.mark.parametrize(
    "text",
    ["****", "*", "***", "**********", " **** ", "sk-****", "sk-****abcd", "•••", "…", "*•…"],
)
def test_these_look_like_a_mask(text: str) -> None:
    assert looks_masked(text)
    assert header_problem(Secret(text)) == (
        "is a mask, not a secret; leave the member out to keep the stored secret"
    )


@pytest.mark.parametrize("text", ["", " ", PLAIN, "sk-*", "a***b", "pass*word", "*sk*", "a•b"])
def test_these_do_not_look_like_a_mask(text: str) -> None:
    assert not looks_masked(text)


def test_how_a_secret_is_shown_looks_masked() -> None:
    assert looks_masked(MASK)
    assert looks_masked(str(Secret(PLAIN)))
    assert looks_masked(repr(Secret(PLAIN)))


WHITE_SPACE = "begins or ends with white space; was it copied with a line break?"
NOT_ASCII = "must be printable ASCII, because it is sent in an HTTP header"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (PLAIN, None),
        ("", "must not be empty"),
        ("two words", None),
        ("".join(map(chr, range(0x21, 0x7F))), None),
        (f"{PLAIN}\n", WHITE_SPACE),
        (f"{PLAIN}\r\n", WHITE_SPACE),
        (f" {PLAIN}", WHITE_SPACE),
        (f"\ufeff{PLAIN}", NOT_ASCII),
        (f"{PLAIN}\r\nx-other: 1", NOT_ASCII),
        ("sk\nplain", NOT_ASCII),
        ("sk\tplain", NOT_ASCII),
        ("sk\0plain", NOT_ASCII),
        ("sk\x7fplain", NOT_ASCII),
        ("schlüssel", NOT_ASCII),
        ("sk\u2013plain", NOT_ASCII),
        ("sk\ud800plain", NOT_ASCII),
    ],
    ids=ascii,
)
def test_what_can_be_sent_in_a_header(text: str, problem: str | None) -> None:
    assert header_problem(Secret(text)) == problem


@given(st.text())
def test_what_passes_is_one_header_value_and_no_problem_quotes_it(text: str) -> None:
    problem = header_problem(Secret(text))
    if problem is None:
        assert all(" " <= character <= "~" for character in text)
    else:
        assert f"{text}{PLAIN}" not in problem


def test_a_problem_does_not_quote_the_secret() -> None:
    for text in (f" {PLAIN}", f"{PLAIN}é", f"{PLAIN}****"):
        assert PLAIN not in (header_problem(Secret(text)) or "")
