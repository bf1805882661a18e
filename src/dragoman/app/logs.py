"""How log lines look: an event with fields, as text for people or JSON for machines.

Tracebacks carry no local variables in either form, because those may hold secrets.
"""

import json
import logging
import sys
from datetime import UTC, datetime

from dragoman.settings import Settings

_encode = json.JSONEncoder(default=str).encode
"""As `json.dumps`, which would make an encoder for each line."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def configure(settings: Settings) -> None:
    """Send everything that is logged to standard error, in one form."""
    as_text = settings.log_format == "text" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    handler = logging.StreamHandler()
    handler.setFormatter(_Text() if as_text else _Json())
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        event = _on_one_line(record.getMessage() + fields)
        line = f"{_time(record)} {record.levelname.lower():8}{event}"
        if record.exc_info:
            line += f"\n{self.formatException(record.exc_info)}"
        return line


def _on_one_line(text: str) -> str:
    """Show control characters as escapes, so that no value can pretend to be another event."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **_fields(record),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return _encode(event)
