"""One line of the log for each call, and no work where nobody reads it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from dragoman.app.clock import SystemClock
from dragoman.app.usage_log import TOGETHER_S, LoggedUsage
from dragoman.domain.chat_events import TokensUsed
from dragoman.domain.usage import Outcome, Usage
from tests.app.test_logs import configure, logging_as_it_was

__all__ = ["logging_as_it_was"]


class Unreadable(Usage):
    """A call whose attempts must not be looked at."""

    def __getattribute__(self, name: str) -> object:
        if name == "path":
            raise AssertionError("this was formatted for nobody")
        return super().__getattribute__(name)


def a_call(request_id: str = "req_1") -> Usage:
    return Usage(
        request_id,
        0.0,
        organization_id="acme",
        attempts=2,
        path=["eu=429", "2=200"],
        outcome=Outcome.COMPLETED,
        status=200,
        duration_s=0.0123456,
    )


def events(capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, Any]]:
    return map(json.loads, capsys.readouterr().err.splitlines())


async def test_a_call_is_one_event_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    usage_log = LoggedUsage(SystemClock())
    usage_log.note(a_call())
    usage_log.write()
    [event] = events(capsys)
    assert (event["event"], event["level"]) == ("call", "info")
    assert (event["outcome"], event["path"]) == ("completed", "eu=429, 2=200")
    assert (event["duration_ms"], event["first_byte_ms"]) == (12.35, None)
    assert "error_code" not in event


async def test_the_tokens_of_a_call_are_told_where_they_are_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("json")
    usage_log = LoggedUsage(SystemClock())
    call = a_call()
    usage_log.note(call)
    call = a_call()
    call.tokens = TokensUsed(input_tokens=7, output_tokens=3, cache_read_input_tokens=5)
    usage_log.note(call)
    usage_log.write()
    unknown, known = events(capsys)
    assert "input_tokens" not in unknown
    assert (known["input_tokens"], known["output_tokens"]) == (7, 3)
    assert known["cache_read_input_tokens"] == 5
    assert "reasoning_output_tokens" not in known


async def test_calls_are_written_soon_each_once_and_in_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("json")
    usage_log = LoggedUsage(SystemClock())
    for request_id in ("req_1", "req_2"):
        usage_log.note(a_call(request_id))
    await asyncio.sleep(TOGETHER_S + 0.2)
    usage_log.write()
    assert [event["request_id"] for event in events(capsys)] == ["req_1", "req_2"]


async def test_nothing_is_written_or_formatted_where_nobody_reads_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("json", "warning")
    usage_log = LoggedUsage(SystemClock())
    usage_log.note(Unreadable("req_1", 0.0))
    usage_log.write()
    assert list(events(capsys)) == []
    configure("json", "info")
    usage_log.note(Unreadable("req_1", 0.0))
    with pytest.raises(AssertionError, match="for nobody"):
        usage_log.write()
