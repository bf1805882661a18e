"""JSON without its traps: what two parsers could read differently is refused."""

import json
import math
from typing import Any, NoReturn

from dragoman.domain.errors import Malformed

MAX_DEPTH = 64
MAX_NUMBER_LENGTH = 400
"""Longest number [characters]; none that fits a double needs more to be exact."""


def loads(body: bytes) -> Any:
    """Read a JSON text.

    Raises Malformed for what is not JSON in UTF-8, and for names that stand twice, NaN and
    Infinity, numbers beyond a double, NUL, lone surrogates, and nesting deeper than MAX_DEPTH.
    """
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_int,
        )
    except UnicodeDecodeError:
        raise Malformed("The body is not valid UTF-8.", code="invalid_json") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise Malformed(
            f"The body is not valid JSON (line {error.lineno}, column {error.colno}).",
            code="invalid_json",
        ) from None
    _check(value, 1)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("The body has a member twice in one object.", code="duplicate_member")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise Malformed("NaN and Infinity are not JSON.", code="invalid_json")


def _finite(text: str) -> float:
    number = float(text) if len(text) <= MAX_NUMBER_LENGTH else math.inf
    if math.isinf(number):
        raise Malformed("The body has a number that is too large.", code="invalid_number")
    return number


def _int(text: str) -> int:
    _finite(text)
    return int(text)


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, dict):
            for name in value:
                _check_text(name)
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Malformed("The body has a NUL character in a text.", code="invalid_text")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Malformed("The body has half of a surrogate pair in a text.", code="invalid_text")


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.", code="too_deep")
