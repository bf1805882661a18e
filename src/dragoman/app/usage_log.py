"""Where usage is written down: one line of the log for each call."""

import asyncio
import logging

from msgspec.structs import asdict

from dragoman.app import logs
from dragoman.domain.ports import Clock
from dragoman.domain.usage import Usage

log = logging.getLogger(__name__)

TOGETHER_S = 0.2
"""Lines of so many seconds are written together: one write to a terminal or a pipe costs as much as
a call, and while it lasts all calls of the process wait."""


class LoggedUsage:
    """Implements the port `UsageLog`: an event `call`, of what is known and not what was said."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._noted: list[tuple[float, Usage]] = []

    def note(self, usage: Usage) -> None:
        """Have the line written soon, unless nobody wants it."""
        if log.isEnabledFor(logging.INFO):
            if not self._noted:
                self._loop.call_later(TOGETHER_S, self.write)
            self._noted.append((self._clock.now_ms() / 1000, usage))

    def write(self) -> None:
        """Write what was noted."""
        noted, self._noted = self._noted, []
        logs.write(log.name, "call", [(at, _fields(usage)) for at, usage in noted])


def _fields(usage: Usage) -> dict[str, object]:
    fields: dict[str, object] = {
        "request_id": usage.request_id,
        "organization_id": usage.organization_id,
        "principal_id": usage.principal_id,
        "key_id": usage.key_id,
        "llm_id": usage.llm_id,
        "endpoint": usage.endpoint,
        "is_stream": usage.is_stream,
        "status": usage.status,
        "outcome": usage.outcome.value,
        "bytes_out": usage.bytes_out,
        "attempts": usage.attempts,
        "duration_ms": _ms(usage.duration_s),
        "first_byte_ms": _ms(usage.first_byte_s),
        "upstream_ms": _ms(usage.upstream_s),
    }
    if usage.path is not None:
        fields["path"] = ", ".join(usage.path)
    if usage.tokens is not None:
        tokens = asdict(usage.tokens)
        fields |= {name: count for name, count in tokens.items() if count is not None}
    if usage.error_code is not None:
        fields |= {"error_code": usage.error_code, "fault": usage.fault}
    return fields


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
