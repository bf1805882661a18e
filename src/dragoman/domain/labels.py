"""Labels, and the selectors that lists are filtered by.

A selector is written as in Kubernetes: `env=prod, tier!=test, team in (a, b), owner, !legacy`.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto

from msgspec import Struct

MAX_LABELS = 20
MAX_KEY_LENGTH = 128
MAX_VALUE_LENGTH = 255
MAX_REQUIREMENTS = 20
MAX_LISTED_VALUES = 100
"""Of one condition: each is a parameter of the query, and SQLite looks them up one by one."""

_KEY = re.compile(rf"[^\s=!,()\x00-\x1f\x7f]{{1,{MAX_KEY_LENGTH}}}")
_VALUE = re.compile(rf"[^\x00-\x1f\x7f]{{0,{MAX_VALUE_LENGTH}}}")


class Operator(Enum):
    """What a requirement says about a label."""

    IN = auto()
    """It is there with one of these values."""
    NOT_IN = auto()
    """It is not there with any of these values."""
    EXISTS = auto()
    ABSENT = auto()


class Requirement(Struct, frozen=True, gc=False):
    """One condition of a selector."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


def label_problem(key: str, value: str) -> str | None:
    """Say why this cannot be a label, or None if it can."""
    if not _KEY.fullmatch(key):
        return (
            f"a label's key must have 1 to {MAX_KEY_LENGTH} characters and none of "
            "white space, '=', '!', ',', '(' and ')'"
        )
    if not _VALUE.fullmatch(value):
        return (
            f"a label's value must have at most {MAX_VALUE_LENGTH} characters "
            "and no control characters"
        )
    return None


_SET = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s=!]+)\s*(?P<operator>==?|!=)(?P<value>[^=!]*)")
_LIST_OR_COMMA = re.compile(r"\([^()]*\)|,")
# Each of these takes a time that grows with the length of the text, and not with its square.


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """Read a selector; raises ValueError, with a sentence, where it is none."""
    parts = [part.strip() for part in _parts(text)]
    if len(parts) > MAX_REQUIREMENTS:
        raise ValueError(f"has more than {MAX_REQUIREMENTS} conditions")
    return tuple(_requirement(part) for part in parts)


def _parts(text: str) -> Iterator[str]:
    """Split at the commas that stand outside of lists."""
    start = 0
    for found in _LIST_OR_COMMA.finditer(text):
        if found[0] == ",":
            yield text[start : found.start()]
            start = found.end()
    yield text[start:]


def _requirement(text: str) -> Requirement:
    if found := _SET.fullmatch(text):
        values = tuple(dict.fromkeys(value.strip() for value in found["values"].split(",")))
        if len(values) > MAX_LISTED_VALUES:
            raise ValueError(f"has a list of more than {MAX_LISTED_VALUES} values")
        operator = Operator.IN if found["operator"] == "in" else Operator.NOT_IN
        return _checked(Requirement(found["key"], operator, values))
    if found := _EQUAL.fullmatch(text):
        operator = Operator.NOT_IN if found["operator"] == "!=" else Operator.IN
        return _checked(Requirement(found["key"], operator, (found["value"].strip(),)))
    if text.startswith("!"):
        return _checked(Requirement(text[1:].strip(), Operator.ABSENT))
    return _checked(Requirement(text, Operator.EXISTS))


def _checked(requirement: Requirement) -> Requirement:
    for value in requirement.values or ("",):
        if label_problem(requirement.key, value) is not None:
            raise ValueError(
                "is not a list of conditions such as 'env=prod, tier!=test, team in (a, b), !old'"
            )
    return requirement
