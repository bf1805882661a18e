"""What a ping asks for, held within what anybody may ask for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

DEFAULT_TEXT = "ping"

BOUNDS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "timeout_ms": (1, 60_000),
        "count": (1, 100),
        "interval_ms": (100, 60_000),
        "max_in_flight": (1, 8),
        "size_bytes": (1, 16 * 1024),
    }
)
"""The least and the most of each number. What lies beyond is brought back to the nearest of them,
and whoever asked is told: a probe is a real call, which somebody pays for."""

MAX_TEXT_BYTES = BOUNDS["size_bytes"][1]

FILLING = "1"
"""What a message of a given size is made of: repeated, it is a text and a JSON value too."""


class Limit(NamedTuple):
    """A number that was asked for and brought back into its bounds."""

    name: str
    asked: int
    applied: int


class Plan(Struct, frozen=True, kw_only=True):
    """One ping: an LLM, what it is sent, and how often."""

    llm_id: str
    text: str = DEFAULT_TEXT
    """What the model is told."""
    timeout_ms: int = 5000
    """How long each probe may take in all [ms]."""
    count: int = 4
    interval_ms: int = 1000
    """From the beginning of one probe to that of the next, at least [ms]."""
    max_in_flight: int = 1
    is_jittered: bool = False
    """Whether each interval is drawn between half of it and one and a half."""
    limits: tuple[Limit, ...] = ()
    """What the plan does otherwise than it was asked to."""


def planned(
    llm_id: str, text: str | None, asked: Mapping[str, int], *, is_jittered: bool = False
) -> Plan:
    """Make a plan of what is asked for; numbers by the names of `BOUNDS`, left out for a default.

    With `size_bytes` the text is made up.
    """
    limits = tuple(
        Limit(name, number, applied)
        for name, number in asked.items()
        if (applied := _within(BOUNDS[name], number)) != number
    )
    numbers = {**asked, **{limit.name: limit.applied for limit in limits}}
    size = numbers.pop("size_bytes", None)
    if size is not None:
        text = FILLING * size
    return Plan(
        llm_id=llm_id,
        text=text if text is not None else DEFAULT_TEXT,
        is_jittered=is_jittered,
        limits=limits,
        **numbers,
    )


def _within(bounds: tuple[int, int], number: int) -> int:
    least, most = bounds
    return min(max(number, least), most)
