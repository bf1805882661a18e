"""Log lines: an event with fields, one line each, in JSON for machines or as text for people."""

import io
import json
import logging
import os
import pty
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dragoman.app import logs
from dragoman.settings import Settings

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
log = logging.getLogger("dragoman.test")
PLANTED = "sk-planted-7"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what `configure` does to the whole process."""
    root = logging.root
    level, handlers = root.level, root.handlers[:]
    for handler in handlers:
        root.removeHandler(handler)  # else `configure` would close them
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def configure(form: str, level: str = "info") -> None:
    logs.configure(Settings(log_format=form, log_level=level))


def test_json_is_one_object_a_line_with_the_fields_beside_the_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("json")
    log.warning("worker_died", extra={"pid": 17, "path": Path("/tmp/x"), "reason": "two\nlines"})  # noqa: S108
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    event = json.loads(line)
    assert TIME.fullmatch(event.pop("time"))
    assert event == {
        "level": "warning",
        "event": "worker_died",
        "logger": "dragoman.test",
        "pid": 17,
        "path": "/tmp/x",  # noqa: S108
        "reason": "two\nlines",
    }


def test_text_is_a_time_a_level_an_event_and_its_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("text")
    log.warning("worker_died", extra={"pid": 17, "status": 9})
    log.info("%s is up", "it")
    first, second = capsys.readouterr().err.splitlines()
    assert TIME.sub("TIME", first) == "TIME warning worker_died pid=17 status=9"
    assert TIME.sub("TIME", second) == "TIME info    it is up"


def test_a_field_cannot_begin_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    configure("text")
    log.warning(
        "refused", extra={"reason": "no\n2026-01-01T00:00:00.000+00:00 info    all_is_well"}
    )
    log.warning("refused: %s", "no\r2026-01-01T00:00:00.000+00:00 info    all_is_well")
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_says_where_and_what_but_shows_no_values(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    def open_vault(secret: str) -> None:
        length = len(secret)
        raise RuntimeError(f"could not open it ({length} characters)")

    configure(form)
    try:
        open_vault(PLANTED)
    except RuntimeError:
        log.exception("unexpected_error")
    text = capsys.readouterr().err
    if form == "json":
        (line,) = text.splitlines()
        text = json.loads(line)["traceback"]
    assert "open_vault" in text
    assert "RuntimeError: could not open it (12 characters)" in text
    assert PLANTED not in text


def test_events_that_are_written_together_reach_every_stream(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("json")
    second = logging.StreamHandler(io.StringIO())
    second.setFormatter(logging.root.handlers[0].formatter)
    logging.root.addHandler(second)
    logs.write("dragoman.test", "call", [(0.0, {"n": 1}), (1.0, {"n": 2})])
    written = capsys.readouterr().err
    assert [json.loads(line)["n"] for line in written.splitlines()] == [1, 2]
    assert second.stream.getvalue() == written


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    configure("json")
    with Path("/dev/full").open("w") as full:
        handler = logging.root.handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(full)
        logs.write("dragoman.test", "call", [(0.0, {"n": 1})])
        with suppress(OSError):  # what it still holds cannot be written either
            full.close()


def test_nothing_below_the_level_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", level="error")
    log.warning("quiet")
    log.error("loud")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "loud"


def test_auto_is_json_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure("auto")
    log.info("hello")
    assert json.loads(capsys.readouterr().err)["event"] == "hello"


def test_auto_is_text_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = pty.openpty()
    with os.fdopen(its, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        configure("auto")
        log.info("hello")
        printed = os.read(ours, 1000).decode()
    os.close(ours)
    assert TIME.sub("TIME", printed) == "TIME info    hello\r\n"


def test_configuring_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    configure("json")
    log.info("hello")
    assert len(capsys.readouterr().err.splitlines()) == 1
