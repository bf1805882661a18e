"""What stands between callers and the upstream, and is measured."""

from abc import ABC, abstractmethod
from pathlib import Path

from benchmarks import machine
from benchmarks.conversation import Call, Route, question
from benchmarks.program import DidNotRunError, Program
from benchmarks.upstream import Upstreams


class Contestant(ABC):
    """One program that relays; it can be started again and again."""

    name: str

    def __init__(self, *, upstreams: Upstreams, folder: Path, cores: frozenset[int]) -> None:
        self._upstreams = upstreams
        self._folder = folder
        self._cores = cores
        self._running: Program | None = None
        folder.mkdir()

    @property
    def version(self) -> str:
        """Which one it is."""
        return ""

    @property
    def cpu_s(self) -> float:
        """How much CPU time it has used since its start [s]."""
        return machine.cpu_s(self._program.pid)

    @property
    def others_s(self) -> float:
        """How much time its core has spent on anybody else, since some time before [s]."""
        return machine.busy_s(self._cores) - self.cpu_s

    @property
    def memory_bytes(self) -> int:
        """How much memory it holds."""
        return machine.memory_bytes(self._program.pid)

    def direct_call(self, route: Route) -> Call:
        """Give the call that leaves the contestant out."""
        return self._upstreams.call(route)

    def start(self) -> None:
        """Start it, and return when it can be called."""
        self._running = self._start()

    def stop(self) -> None:
        """End it, if it runs."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def why_not(self, route: Route) -> str:
        """Say why it cannot be called on a route; empty if it can."""
        return "" if route in self._upstreams.routes else "that takes nginx as the upstream"

    @abstractmethod
    def call(self, route: Route) -> Call:
        """Give the call that goes through it to the upstream that a route names."""

    @abstractmethod
    def _start(self) -> Program:
        """Start it, and return when it can be called."""

    @property
    def _program(self) -> Program:
        if self._running is None:
            raise DidNotRunError(f"{self.name} does not run")
        return self._running


def json_call(port: int, path: str, model: str, route: Route, **headers: str) -> Call:
    """Write the call of a contestant on this machine."""
    lines = {"Content-Type": "application/json"} | headers
    return Call("127.0.0.1", port, path, lines, question(model, route))
