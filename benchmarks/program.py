"""A program that runs beside us: started on given cores, waited for, and ended."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.machine import running_on

T = TypeVar("T")

READY_DEADLINE_S = 30.0
STOP_DEADLINE_S = 10.0
_LOOK_AGAIN_S = 0.002


class DidNotRunError(Exception):
    """Something that should be measured did not start or did not answer."""


class Program:
    """One program and what it writes; it ends with `stop`."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        output: Path,
        cores: frozenset[int],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = " ".join(str(part) for part in command)
        self._output = output
        with running_on(cores), output.open("wb") as file:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self) -> int:
        """The process that was started; there may be others below it."""
        return self._process.pid

    def wait_for(self, look: Callable[[str], T | None]) -> T:
        """Wait until `look` finds something in what was written, and give it."""
        deadline = time.monotonic() + READY_DEADLINE_S
        while (found := look(self._output.read_text(errors="replace"))) is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = self._output.read_text(errors="replace").strip()[-1000:]
                raise DidNotRunError(f"{self._command} did not start: {said}")
            time.sleep(_LOOK_AGAIN_S)
        return found

    def stop(self) -> None:
        """End it in good order, or else at once."""
        self._process.terminate()
        try:
            self._process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
