"""Times on the wire: RFC 3339, in UTC, with milliseconds."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, beyond which there is no text for a time [ms]."""
_MILLISECOND = timedelta(milliseconds=1)
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def write_time(at_ms: int) -> str:
    """Write a time, as `2026-11-21T10:00:00.000Z`."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def read_time(text: str) -> int:
    """Read a time [ms since 1970]; what is finer counts as the next millisecond.

    Raises ValueError, with a sentence, where it is none.
    """
    problem = ValueError("must be a time as in RFC 3339, such as 2026-11-21T10:00:00Z")
    if not _RFC_3339.fullmatch(text):
        raise problem
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise problem from None
    at_ms = -((_EPOCH - moment) // _MILLISECOND)
    if not 0 <= at_ms <= _LAST_MS:
        raise ValueError("must be a time from the year 1970 to the year 9999")
    return at_ms
