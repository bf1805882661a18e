"""Running the `dragoman` command to its end, or on a terminal."""

import os
import pty
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.cli.processes import HANG_S, eventually

READY = "is ready on "
"""What a server prints that was meant to refuse, and serves instead."""


class Ended(NamedTuple):
    """What a command left behind."""

    status: int
    output: str
    errors: str


def environment(data_dir: Path | str | None = None, **settings: str) -> dict[str, str]:
    """Give this process's environment with these settings and no others."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("DRAGOMAN_")}
    if data_dir is not None:
        clean["DRAGOMAN_DATA_DIR"] = str(data_dir)
    clean["DRAGOMAN_PORT"] = "0"
    return clean | {f"DRAGOMAN_{name.upper()}": text for name, text in settings.items()}


def begin(
    *arguments: str | bytes | Path, environment: dict[str, str], **options: Any
) -> subprocess.Popen[bytes]:
    """Start the command; whoever calls this ends it."""
    command = [sys.executable, "-m", "dragoman", *arguments]
    return subprocess.Popen(command, env=environment, **options)


def dragoman(
    *arguments: str | bytes | Path, data_dir: Path | str | None = None, **settings: str
) -> Ended:
    """Run a command to its end; one that goes on serving is ended, and its status is 0."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = begin(
            *arguments,
            environment=environment(data_dir, **settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        try:
            eventually(lambda: process.poll() is not None or READY in _text(output))
            process.terminate()
            process.wait(HANG_S)
        finally:
            process.kill()
            process.wait()
        return Ended(process.returncode, _text(output), _text(errors))


def _text(file: IO[bytes]) -> str:
    """Read what a process has written so far, without moving where it writes."""
    return os.pread(file.fileno(), 1_000_000, 0).decode()


def refused(
    *arguments: str | bytes | Path, data_dir: Path | str | None = None, **settings: str
) -> str:
    """Run a command that must refuse in one line with status 1; gives the line."""
    ended = dragoman(*arguments, data_dir=data_dir, **settings)
    assert ended.status == 1, f"status {ended.status}: {ended.output}{ended.errors}"
    assert "Traceback" not in ended.errors, ended.errors
    assert ended.output == "", f"it did something first: {ended.output}{ended.errors}"
    line, end, rest = ended.errors.partition("\n")
    assert (end, rest) == ("\n", ""), f"more than one line: {ended.errors}"
    return line


@contextmanager
def on_terminal(*arguments: str, data_dir: Path, until: str, **settings: str) -> Iterator[str]:
    """Run the command on a pseudo-terminal for the length of the block.

    Gives what it printed up to the line that contains `until`.
    """
    ours, its = pty.openpty()
    process = begin(
        *arguments,
        environment=environment(data_dir, **settings),
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=subprocess.DEVNULL,
    )
    os.close(its)
    try:
        yield _read_until(ours, until).replace("\r\n", "\n")
        process.terminate()
        assert process.wait(HANG_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(terminal: int, text: str) -> str:
    printed = b""
    deadline = time.monotonic() + HANG_S
    while text not in printed.decode(errors="replace"):
        readable, _, _ = select.select([terminal], [], [], deadline - time.monotonic())
        assert readable, f"nothing more was printed after:\n{printed.decode()}"
        printed += os.read(terminal, 65536)
    return printed.decode()
