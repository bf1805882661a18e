"""Several processes on one database, and a process that is killed: no acknowledged row is lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dragoman.storage.database import Location
from dragoman.storage.sqlite import connect
from tests.storage.other import names

HANG_S = 30.0
COMMITS = 20


@contextmanager
def writer(
    location: Location, name: str, count: int, *wrapped_by: str
) -> Iterator["subprocess.Popen[str]"]:
    """Run a writing process for the length of the block."""
    place = str(location) if isinstance(location, Path) else location.text
    program = [sys.executable, "-m", "tests.storage.writer", place, name, str(count)]
    process = subprocess.Popen([*wrapped_by, *program], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_two_processes_that_write_at_once_lose_nothing(location: Location) -> None:
    with writer(location, "a", 200) as one, writer(location, "b", 200) as other:
        outputs = [process.communicate(timeout=HANG_S)[0].split() for process in (one, other)]
        assert (one.returncode, other.returncode) == (0, 0)
    assert [len(output) for output in outputs] == [200, 200]
    assert set(names(location)) == {*outputs[0], *outputs[1]}


@pytest.mark.parametrize("after", [1, 40, 150])
def test_a_process_that_is_killed_has_lost_no_row_that_it_acknowledged(
    location: Location, after: int
) -> None:
    with writer(location, "a", 1_000_000) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(after)]
        process.kill()
        acknowledged += process.stdout.read().split()
    assert len(acknowledged) >= after
    found = set(names(location))
    assert set(acknowledged) <= found
    assert len(found) - len(acknowledged) <= 1, "at most the one that was just stored"


def test_every_commit_is_synced_to_disk(path: Path, tmp_path: Path) -> None:
    """That a killed process loses nothing proves little: the operating system lives on."""
    with closing(connect(path)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    strace = shutil.which("strace")
    if strace is None or not _may_trace(strace):
        return
    trace = tmp_path / "trace"
    options = ("-f", "-y", "-e", "trace=fdatasync,fsync", "-o", str(trace))
    with writer(path, "a", COMMITS, strace, *options) as process:
        acknowledged = process.communicate(timeout=HANG_S)[0].split()
    assert len(acknowledged) == COMMITS
    syncs = [line for line in trace.read_text().splitlines() if f"{path.name}-wal>" in line]
    assert len(syncs) >= COMMITS, trace.read_text()


def _may_trace(strace: str) -> bool:
    tried = subprocess.run(
        [strace, "-o", os.devnull, sys.executable, "-c", ""], capture_output=True, check=False
    )
    return tried.returncode == 0
