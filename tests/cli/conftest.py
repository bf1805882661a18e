"""What the tests of the command line share: an installation, and that nothing is left running."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dragoman.app import bootstrap
from dragoman.settings import Settings
from tests.cli.calling import Caller
from tests.cli.processes import eventually, using
from tests.running import RunningDragoman


@pytest.fixture(autouse=True)
def no_process_is_left(tmp_path: Path) -> Iterator[None]:
    """Fail a test that leaves a process behind, and end that process."""
    yield
    eventually(lambda: not using(tmp_path), within_s=5)
    left = using(tmp_path)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Give a data directory as a first start makes it."""
    folder = tmp_path / "data"
    asyncio.run(bootstrap.prepare(Settings(data_dir=str(folder))))
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    """Run one server with two workers for all commands that call one."""
    with RunningDragoman.start(tmp_path_factory.mktemp("called") / "data", workers=2) as server:
        yield server


@pytest.fixture
def admin(server: RunningDragoman) -> Caller:
    """Call that server with the first admin's key."""
    return Caller(server.url, server.admin_key)


def contents(folder: Path) -> dict[str, bytes]:
    """Give every file of a folder, byte for byte."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
