"""Reading a caller's JSON member by member, and noting everything that is wrong with it.

A value that is wrong is noted and read as nothing, so that reading goes on and all mistakes are
told at once. What was rejected is never repeated: a secret may sit in the wrong member.
"""

from collections.abc import Collection, Mapping
from typing import TypeVar

import msgspec

from dragoman.domain.errors import Problem

T = TypeVar("T")

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_NUMBER = msgspec.json.Decoder(float)
_INTEGER = msgspec.json.Decoder(int)
_BOOLEAN = msgspec.json.Decoder(bool)

NULL = msgspec.Raw(b"null")
EMPTY = frozenset({b"null", b"[]", b"{}", b'""'})
"""What says nothing, whatever member it is in."""


class Place:
    """One value, and where it stands."""

    __slots__ = ("_problems", "path", "raw")

    def __init__(
        self, raw: msgspec.Raw, path: tuple[str | int, ...], problems: list[Problem]
    ) -> None:
        """`problems` takes what is found to be wrong."""
        self.raw = raw
        self.path = path
        self._problems = problems

    @classmethod
    def body(cls, members: Mapping[str, msgspec.Raw]) -> tuple[dict[str, "Place"], list[Problem]]:
        """Begin with the top level; gives the list of problems too."""
        problems: list[Problem] = []
        return {
            name: cls(raw, (name,), problems) for name, raw in members.items() if raw != NULL
        }, problems

    def wrong(self, message: str, code: str = "invalid_value") -> None:
        """Note that this value is not acceptable."""
        self._problems.append(Problem(self.path, message, code))

    def members(self, known: Collection[str] | None = None) -> dict[str, "Place"]:
        """Read an object, of which any members may be there, or only known ones.

        Null is the same as nothing, and so is what is empty and not known.
        """
        found = self._read(_MEMBERS, "an object") or {}
        places = {}
        for name, raw in found.items():
            place = Place(raw, (*self.path, name), self._problems)
            if known is None or name in known:
                if raw != NULL:
                    places[name] = place
            elif bytes(raw) not in EMPTY:
                place.wrong("is not known here", "unknown_parameter")
        return places

    def items(self) -> list["Place"]:
        """Read an array."""
        found = self._read(_ITEMS, "an array") or []
        return [
            Place(raw, (*self.path, number), self._problems) for number, raw in enumerate(found)
        ]

    def text(self) -> str:
        """Read a string."""
        return self._read(_TEXT, "a string") or ""

    def number(self, low: float, high: float) -> float | None:
        """Read a number within bounds."""
        found = self._read(_NUMBER, "a number")
        return self._within(found, low, high)

    def integer(self, low: int, high: int) -> int | None:
        """Read a whole number within bounds."""
        found = self._read(_INTEGER, "a whole number")
        return self._within(found, low, high)

    def boolean(self) -> bool | None:
        """Read true or false."""
        return self._read(_BOOLEAN, "true or false")

    def one_of(self, kind: Collection[str]) -> str:
        """Read one of these words."""
        found = self._read(_TEXT, "a string")
        if found is None or found in kind:
            return found or ""
        self.wrong(f"must be one of: {', '.join(kind)}")
        return ""

    def is_text(self) -> bool:
        """Tell whether this is a string, of what may also be something else."""
        return bytes(self.raw).startswith(b'"')

    def required(self, members: dict[str, "Place"], name: str) -> "Place":
        """Give a member that has to be there; where it is not, a place that is read as nothing."""
        place = members.get(name)
        if place is None:
            path = (*self.path, name)
            self._problems.append(Problem(path, "is required", "missing_required_parameter"))
            return Place(NULL, path, [])
        return place

    def _read(self, decoder: "msgspec.json.Decoder[T]", what: str) -> T | None:
        try:
            return decoder.decode(self.raw)
        except msgspec.DecodeError:
            self.wrong(f"must be {what}", "invalid_type")
            return None

    def _within(self, found: T | None, low: float, high: float) -> T | None:
        if found is not None and not low <= found <= high:  # type: ignore[operator]
            self.wrong(f"must be from {low} to {high}")
            return None
        return found
