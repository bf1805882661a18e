"""Labels, and the selectors that lists are filtered by.

A selector is written as in Kubernetes: `env=prod, tier!=test, team in (a, b), owner, !legacy`. It
cannot name values that have '=', '!', ',' or parentheses in them.
"""

import re
from enum import Enum, auto

from msgspec import Struct

MAX_LABELS = 20
MAX_KEY_LENGTH = 128
MAX_VALUE_LENGTH = 255
MAX_REQUIREMENTS = 20
MAX_SELECTOR_LENGTH = 4096
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


_EXAMPLE = "'env=prod, tier!=test, team in (a, b), !old'"
_WORD = rf"[^\s=!,()\x00-\x1f\x7f]{{1,{MAX_KEY_LENGTH}}}"
_REQUIREMENT = re.compile(
    rf"""
    \s*(?:
        (?P<set_key>{_WORD})\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)
      | (?P<key>{_WORD})\s*(?P<equal>==?|!=)(?P<value>[^=!,()]*)
      | (?P<absent>!\s*)?(?P<name>{_WORD})
    )\s*(?:,|\Z)
    """,
    re.VERBOSE,
)
"""One condition and the comma after it. Nothing in it is read twice but its first word."""


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """Read a selector; raises ValueError, with a sentence, where it is none."""
    if len(text) > MAX_SELECTOR_LENGTH:
        raise ValueError(f"must have at most {MAX_SELECTOR_LENGTH} characters")
    found, at, ends_with_comma = [], 0, True
    while at < len(text) or ends_with_comma:
        match = _REQUIREMENT.match(text, at)
        if match is None:
            raise ValueError(f"must be a list of conditions such as {_EXAMPLE}")
        found.append(_requirement(match))
        at = match.end()
        ends_with_comma = match[0].endswith(",")
    if len(found) > MAX_REQUIREMENTS:
        raise ValueError(f"must have at most {MAX_REQUIREMENTS} conditions")
    return tuple(found)


def _requirement(match: re.Match[str]) -> Requirement:
    if match["set"]:
        values = tuple(dict.fromkeys(value.strip() for value in match["values"].split(",")))
        if len(values) > MAX_LISTED_VALUES:
            raise ValueError(f"must have at most {MAX_LISTED_VALUES} values in a list")
        operator = Operator.IN if match["set"] == "in" else Operator.NOT_IN
        return Requirement(match["set_key"], operator, _checked(values))
    if match["equal"]:
        operator = Operator.NOT_IN if match["equal"] == "!=" else Operator.IN
        return Requirement(match["key"], operator, _checked((match["value"].strip(),)))
    return Requirement(match["name"], Operator.ABSENT if match["absent"] else Operator.EXISTS)


def _checked(values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_VALUE.fullmatch(value) for value in values):
        raise ValueError(
            f"must name values of at most {MAX_VALUE_LENGTH} characters, "
            "none of them control characters"
        )
    return values
