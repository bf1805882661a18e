"""Times as people write them on the command line: `2h`, `7d`, a date, a date and time."""

import re
from datetime import UTC, datetime, timedelta

import typer

_AGO = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now_ms: int) -> str:
    """Read a time, as RFC 3339 in UTC; raises BadParameter. Without a zone it is UTC."""
    try:
        if ago := _AGO.fullmatch(text):
            past = timedelta(**{_UNITS[ago["unit"]]: int(ago["count"])})
            return written(now_ms - int(past.total_seconds() * 1000))
        found = datetime.fromisoformat(text)
        at = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            "A time is written as 2h or 7d ago, 2026-11-21, or 2026-11-21T10:00Z."
        ) from None
    return _rfc3339(at)


def written(at_ms: int) -> str:
    """Write a time [ms since 1970] as RFC 3339 in UTC."""
    return _rfc3339(datetime.fromtimestamp(at_ms / 1000, UTC))


def _rfc3339(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
