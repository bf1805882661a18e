"""The parent process when its workers cannot work."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.cli.processes import HANG_S, eventually, using
from tests.running import RunningDragoman


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_cannot_start_end_the_parent_with_status_1(
    tmp_path: Path, workers: int
) -> None:
    program = [sys.executable, "-m", "tests.app.supervised", str(tmp_path / "no"), str(workers)]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert ended.returncode == 1
    assert ended.stdout == "", "it said that it was ready"
    events = [json.loads(line) for line in ended.stderr.splitlines()]
    assert {event["event"] for event in events} == {"worker_failed", "worker_died"}
    failed = next(event for event in events if event["event"] == "worker_failed")
    assert "unable to open database file" in failed["traceback"]
    died = next(event for event in events if event["event"] == "worker_died")
    assert (died["level"], died["status"] >> 8) == ("error", 1)


def test_workers_that_cannot_start_again_are_tried_until_they_can(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningDragoman.start(data, drain_s="60") as server:
        (data / "kek").rename(tmp_path / "away")
        for pid in server.worker_pids():
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: server.log.count("worker_failed") >= 2)
        (tmp_path / "away").rename(data / "kek")
        assert httpx2.get(f"{server.url}/readyz", timeout=HANG_S).status_code == 200
        assert server.stop() == 0
    assert using(data) == []
