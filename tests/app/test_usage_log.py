"""One line of the log for each call, and no work where nobody reads it."""

import logging

import pytest

from dragoman.app.usage_log import LoggedUsage
from dragoman.domain.usage import Outcome, Usage


class Unreadable(Usage):
    """A call whose attempts must not be looked at."""

    def __getattribute__(self, name: str) -> object:
        if name == "path":
            raise AssertionError("this was formatted for nobody")
        return super().__getattribute__(name)


def a_call() -> Usage:
    return Usage(
        "req_1",
        0.0,
        organization_id="acme",
        attempts=2,
        path=["eu=429", "2=200"],
        outcome=Outcome.COMPLETED,
        status=200,
        duration_s=0.0123456,
    )


def test_a_call_is_one_event_with_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LoggedUsage().note(a_call())
    [record] = caplog.records
    assert (record.getMessage(), record.levelno) == ("call", logging.INFO)
    fields = vars(record)
    assert (fields["outcome"], fields["path"]) == ("completed", "eu=429, 2=200")
    assert (fields["duration_ms"], fields["first_byte_ms"]) == (12.35, None)
    assert "error_code" not in fields


def test_nothing_is_written_or_formatted_where_nobody_reads_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        LoggedUsage().note(Unreadable("req_1", 0.0))
    assert caplog.records == []
    with caplog.at_level(logging.INFO), pytest.raises(AssertionError, match="for nobody"):
        LoggedUsage().note(Unreadable("req_1", 0.0))
