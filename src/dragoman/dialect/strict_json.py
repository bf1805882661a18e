"""JSON without its traps: what two parsers could read differently is refused.

Members of a body come in hundreds of thousands, so nothing here is called for each number or text.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from dragoman.domain.errors import Malformed

MAX_DEPTH = 64
MAX_NUMBER_LENGTH = 400
"""Longest number [characters]; none that fits a double needs more to be exact."""

_TOO_LONG = b"0" * (MAX_NUMBER_LENGTH + 1)
_NUMERALS_AS_0 = bytes(ord("0" if chr(byte) in "0123456789+-.eE" else " ") for byte in range(256))
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?', re.DOTALL)
"""A text, also one that is cut short: each byte is looked at once, whatever is sent."""


def loads(body: bytes) -> Any:
    """Read a JSON text.

    Raises Malformed for what is not JSON in UTF-8, and for names that stand twice, NaN and
    Infinity, numbers beyond a double, NUL, lone surrogates, and nesting deeper than MAX_DEPTH.
    """
    _refuse_long_numbers(body)
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
        _check((value,), 0)
    except UnicodeDecodeError:
        raise Malformed("The body is not valid UTF-8.", code="invalid_json") from None
    except UnicodeEncodeError:
        raise Malformed(
            "The body has half of a surrogate pair in a text.", code="invalid_text"
        ) from None
    except OverflowError:
        raise _too_large() from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise Malformed(
            f"The body is not valid JSON (line {error.lineno}, column {error.colno}).",
            code="invalid_json",
        ) from None
    return value


def _refuse_long_numbers(body: bytes) -> None:
    """Refuse a number that would take long to read; outside of texts only numbers look like one."""
    if _has_long_number(body) and _has_long_number(_TEXT.sub(b"", body)):
        raise _too_large()


def _has_long_number(text: bytes) -> bool:
    return _TOO_LONG in text.translate(_NUMERALS_AS_0)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("The body has a member twice in one object.", code="duplicate_member")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise Malformed("NaN and Infinity are not JSON.", code="invalid_json")


def _check(values: Iterable[Any], depth: int) -> None:
    """Check values that stand at one depth.

    Raises Malformed, UnicodeEncodeError for half of a surrogate pair, and OverflowError for an
    integer beyond a double.
    """
    if depth > MAX_DEPTH:
        raise _too_deep()
    for value in values:
        kind = type(value)
        if kind is str:
            _check_text(value)
        elif kind is dict:
            for name in value:
                _check_text(name)
            _check(value.values(), depth + 1)
        elif kind is list:
            _check(value, depth + 1)
        elif value is not None and not math.isfinite(value):
            raise _too_large()


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Malformed("The body has a NUL character in a text.", code="invalid_text")
    if not text.isascii():
        text.encode()


def _too_large() -> Malformed:
    return Malformed("The body has a number that is too large.", code="invalid_number")


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.", code="too_deep")
