"""The parent process when its workers cannot work."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from dragoman.app import bootstrap
from dragoman.app.supervisor import ENDING_GRACE_S
from dragoman.settings import Settings
from tests.cli.processes import HANG_S, children, eventually, using
from tests.running import RunningDragoman


def supervised(
    data_dir: Path,
    workers: int,
    pause_s: float = 0,
    drain_s: float = 60,
    grace_s: float = ENDING_GRACE_S,
) -> "subprocess.Popen[str]":
    """Start a parent process; whoever calls this ends it."""
    arguments = map(str, (data_dir, workers, pause_s, drain_s, grace_s))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.app.supervised", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_cannot_start_end_the_parent_with_status_1(
    tmp_path: Path, workers: int
) -> None:
    parent = supervised(tmp_path / "no", workers)
    output, errors = parent.communicate(timeout=HANG_S)
    assert parent.returncode == 1
    assert output == "", "it said that it was ready"
    events = [json.loads(line) for line in errors.splitlines()]
    assert {event["event"] for event in events} == {"worker_failed", "worker_died"}
    failed = next(event for event in events if event["event"] == "worker_failed")
    assert "unable to open database file" in failed["traceback"]
    died = next(event for event in events if event["event"] == "worker_died")
    assert (died["level"], died["status"] >> 8) == ("error", 1)


def test_a_signal_is_not_lost_on_a_worker_that_has_just_been_born(tmp_path: Path) -> None:
    asyncio.run(bootstrap.prepare(Settings(data_dir=str(tmp_path))))
    parent = supervised(tmp_path, workers=2, pause_s=0.5)
    try:
        assert eventually(lambda: len(children(parent.pid)) == 2)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(HANG_S) == 0
    finally:
        parent.kill()
        parent.communicate()


def test_a_worker_that_does_not_end_is_killed_and_that_is_no_success(tmp_path: Path) -> None:
    parent = supervised(tmp_path, workers=1, pause_s=60, drain_s=0.1, grace_s=0.1)
    try:
        assert eventually(lambda: children(parent.pid))
        (worker,) = children(parent.pid)
        parent.send_signal(signal.SIGTERM)
        _, errors = parent.communicate(timeout=HANG_S)
    finally:
        parent.kill()
        parent.communicate()
    assert parent.returncode == 1
    (event,) = [json.loads(line) for line in errors.splitlines()]
    assert (event["event"], event["level"], event["pid"]) == ("worker_killed", "error", worker)


def test_workers_that_cannot_start_again_are_tried_until_they_can(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningDragoman.start(data, drain_s="60") as server:
        data.rename(tmp_path / "away")
        for pid in server.worker_pids():
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: server.log.count("worker_failed") >= 2)
        (tmp_path / "away").rename(data)
        assert httpx2.get(f"{server.url}/readyz", timeout=HANG_S).status_code == 200
        assert server.stop() == 0
    assert using(data) == []
