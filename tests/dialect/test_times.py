"""Times on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialect.times import read_time, write_time

LAST_MS = 253_402_300_799_999


@given(at_ms=st.integers(0, LAST_MS))
def test_what_is_written_is_read_back(at_ms: int) -> None:
    assert read_time(write_time(at_ms)) == at_ms


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01t00:00:01.5z", 1500),
        ("1970-01-01T00:00:00.0001Z", 1),
        ("9999-12-31T23:59:59.999Z", LAST_MS),
    ],
)
def test_times(text: str, at_ms: int) -> None:
    assert read_time(text) == at_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "0",
        "2026-11-21",
        "2026-11-21T10:00Z",
        "2026-11-21 10:00:00Z",
        "2026-11-21T10:00:00",
        "2026-11-21T10:00:00+0100",
        "2026-11-21T24:00:00Z",
        "2026-13-21T10:00:00Z",
        "2026-11-31T10:00:00Z",
        "2026-11-21T10:00:60Z",
        "2026-11-21T10:00:00+99:00",
        "2026-11-21T10:00:00.Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00Z",
        "٢026-11-21T10:00:00Z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time"):
        read_time(text)
