"""Which servers run on a data directory: each process of theirs holds a shared lock on one file.

The lock belongs to an open file that workers inherit from their parent; the system takes it away
with the last of them, also when they are killed. In the file stands where the newest one listens.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from dragoman import __version__
from dragoman.app.bootstrap import BootstrapError

FILE = "serving"
PATIENCE_S = 2.0
"""Whoever only looks holds the lock for a moment; a server waits that out [s]."""
MAX_CONTENT_BYTES = 4096


class Server(Struct, frozen=True):
    """A server as it has announced itself."""

    url: str
    version: str


class Presence:
    """The lock of one server; its workers inherit it."""

    def __init__(self, data_path: Path) -> None:
        """Take the lock. Raises BootstrapError while the installation is being moved."""
        self._file = _open(data_path / FILE)
        until = time.monotonic() + PATIENCE_S
        while not _takes(self._file, fcntl.LOCK_SH):
            if time.monotonic() > until:
                os.close(self._file)
                raise BootstrapError(
                    "The installation is being moved to another database; start again when "
                    "'dragoman move' has ended."
                )
            time.sleep(0.05)

    def announce(self, url: str) -> None:
        """Say where the server listens."""
        content = msgspec.json.encode(Server(url, __version__))
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, content, 0)


def server(data_path: Path) -> Server | None:
    """Give the newest of the servers that run here; None where none does.

    Its URL is empty before it is ready.
    """
    try:
        file = os.open(data_path / FILE, os.O_RDWR)
    except OSError:
        return None
    try:
        if _takes(file, fcntl.LOCK_EX):
            return None
        return msgspec.json.decode(os.pread(file, MAX_CONTENT_BYTES, 0), type=Server)
    except msgspec.DecodeError:
        return Server("", __version__)
    finally:
        os.close(file)


@contextmanager
def without_servers(data_path: Path) -> Iterator[None]:
    """Hold off servers for the length of the block. Raises BootstrapError where one runs."""
    file = _open(data_path / FILE)
    try:
        if not _takes(file, fcntl.LOCK_EX):
            raise BootstrapError(
                "A server of this installation is running. Stop all of them, then try again."
            )
        yield
    finally:
        os.close(file)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _takes(file: int, lock: int) -> bool:
    try:
        fcntl.flock(file, lock | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
