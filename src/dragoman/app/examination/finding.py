"""What a check finds."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

NAMED_AT_MOST = 5


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but may not go on so."""
    PROBLEM = "problem"
    """Something does not work, or is not safe."""


class Finding(Struct, frozen=True):
    """One result of a check: a sentence and, where something is wrong, the next step."""

    check: str
    level: Level
    message: str


def ok(check: str, message: str) -> Finding:
    """Say that all is well."""
    return Finding(check, Level.OK, message)


def warning(check: str, message: str) -> Finding:
    """Say what will go wrong."""
    return Finding(check, Level.WARNING, message)


def problem(check: str, message: str) -> Finding:
    """Say what is wrong."""
    return Finding(check, Level.PROBLEM, message)


def count(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def some(names: Iterable[str]) -> str:
    """List a few of many."""
    listed = list(names)
    more = len(listed) - NAMED_AT_MOST
    shown = ", ".join(listed[:NAMED_AT_MOST])
    return f"{shown} and {more} more" if more > 0 else shown
