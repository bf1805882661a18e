"""Where usage is written down: one line of the log for each call."""

import logging

from dragoman.domain.usage import Usage

log = logging.getLogger(__name__)


class LoggedUsage:
    """Implements the port `UsageLog`: an event `call`, of what is known and not what was said."""

    def note(self, usage: Usage) -> None:
        """Write the line, unless nobody wants it."""
        if log.isEnabledFor(logging.INFO):
            # Made by hand: `log.info` would look through the stack for who called it.
            record = logging.LogRecord(log.name, logging.INFO, __file__, 0, "call", None, None)
            vars(record).update(_fields(usage))
            log.handle(record)


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
    if usage.error_code is not None:
        fields |= {"error_code": usage.error_code, "fault": usage.fault}
    return fields


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
