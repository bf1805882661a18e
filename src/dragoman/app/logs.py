"""How log lines look: an event with fields, as text for people or JSON for machines.

Tracebacks carry no local variables in either form, because those may hold secrets.
"""

import json
import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from dragoman.settings import Settings

Fields = Mapping[str, object]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def configure(settings: Settings) -> None:
    """Send everything that is logged to standard error, in one form."""
    as_text = settings.log_format == "text" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    handler = logging.StreamHandler()
    handler.setFormatter(_Text() if as_text else _Json())
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)


def write(logger: str, event: str, noted: Sequence[tuple[float, Fields]]) -> None:
    """Write several events of one kind at once, each with its time [s since 1970] and fields.

    For what happens with every call: `logging` itself takes longer for a line than a call does.
    What cannot be written is lost, as with `logging`: that stops nobody.
    """
    for handler in logging.getLogger().handlers:
        form = handler.formatter
        if isinstance(form, _Form) and isinstance(handler, logging.StreamHandler):
            lines = [f"{form.line(at, 'info', event, logger, fields)}\n" for at, fields in noted]
            handler.acquire()
            try:
                with suppress(OSError):
                    handler.stream.write("".join(lines))
                    handler.stream.flush()
            finally:
                handler.release()


class _Form(logging.Formatter, ABC):
    """How one event looks."""

    @abstractmethod
    def line(self, at: float, level: str, event: str, logger: str, fields: Fields) -> str:
        """Write an event without what may follow on further lines."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        level = record.levelname.lower()
        return self.line(record.created, level, record.getMessage(), record.name, fields)


class _Text(_Form):
    def line(self, at: float, level: str, event: str, logger: str, fields: Fields) -> str:  # noqa: ARG002
        told = "".join(f" {name}={value}" for name, value in fields.items())
        return f"{_time(at)} {level:8}{_on_one_line(event + told)}"

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(_Form):
    def line(self, at: float, level: str, event: str, logger: str, fields: Fields) -> str:
        told = {"time": _time(at), "level": level, "event": event, "logger": logger, **fields}
        try:
            return msgspec.json.encode(told, enc_hook=str).decode()
        except (TypeError, ValueError):  # such as a path that is not Unicode
            return json.dumps(told, default=str)

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info:
            record.traceback = self.formatException(record.exc_info)
        return super().format(record)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _on_one_line(text: str) -> str:
    """Show control characters as escapes, so that no value can pretend to be another event."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
