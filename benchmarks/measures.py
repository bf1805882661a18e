"""What is measured. Each measure knows its metrics and how to get one value of each."""

import asyncio
import time
from abc import ABC, abstractmethod
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import uvloop

from benchmarks import load, wrk
from benchmarks.contestant import Contestant
from benchmarks.conversation import CHUNK_INTERVAL_S, CHUNKS, Call, Route
from benchmarks.figures import Metric
from benchmarks.load import Answers
from benchmarks.program import DidNotRunError

CONNECTIONS = 64
STREAMS = 100
_WARM_CALLS_S = 0.2
_MICRO = 1e6

AIMS = (("nginx", 0.3), ("TensorZero", 1.0))


class Sample(NamedTuple):
    """One value of each metric of a measure, and how many answers stand behind them."""

    values: tuple[float, ...]
    right: int
    wrong: int


class Measure(ABC):
    """One way to look at a contestant."""

    name: str
    metrics: tuple[Metric, ...]
    route: Route
    restarts = False
    """Whether contestants are started anew for it."""

    def __init__(self, *, folder: Path, load_cores: frozenset[int]) -> None:
        self._folder = folder
        self._load_cores = load_cores

    @abstractmethod
    def take(self, contestant: Contestant, seconds: float) -> Sample:
        """Look at a contestant for about so long. Raises DidNotRunError, OSError."""


class Plain(Measure):
    """As many whole answers as it can give, to 64 callers.

    Where its core is not used up, its rate is what the load asked for, and not its limit.
    """

    name = "plain"
    metrics = (
        Metric(name, "requests/s", "1/s", more_is_better=True, aims=AIMS),
        Metric(name, "CPU per request", "µs", 1, aims=AIMS),
        Metric(name, "share of its core", "%", is_compared=False),
    )
    route = Route.PLAIN

    def take(self, contestant: Contestant, seconds: float) -> Sample:
        """Count answers and CPU time."""
        before_s = contestant.cpu_s
        answers = self._answers(contestant, seconds)
        cpu_s = contestant.cpu_s - before_s
        _require_some(answers)
        rate = answers.right / answers.elapsed_s
        per_request, share = cpu_s / answers.right * _MICRO, cpu_s / answers.elapsed_s * 100
        return Sample((rate, per_request, share), answers.right, answers.wrong)

    def _answers(self, contestant: Contestant, seconds: float) -> Answers:
        call = contestant.call(self.route)
        if wrk.wrk_program() is None:
            return uvloop.run(
                load.repeat(call, self.route, connections=CONNECTIONS, seconds=seconds)
            )
        return wrk.repeat(
            call,
            connections=CONNECTIONS,
            seconds=seconds,
            cores=self._load_cores,
            folder=self._folder,
        )


class Tls(Plain):
    """The same, from an upstream that speaks TLS."""

    name = "tls"
    metrics = (
        Metric(name, "requests/s", "1/s", more_is_better=True, aims=AIMS),
        Metric(name, "CPU per request", "µs", 1, aims=AIMS),
        Metric(name, "share of its core", "%", is_compared=False),
    )
    route = Route.TLS


class Latency(Measure):
    """What one caller waits longer than without the contestant."""

    name = "latency"
    metrics = (Metric(name, "added, p50", "ms", 3), Metric(name, "added, p99", "ms", 3))
    route = Route.PLAIN

    def take(self, contestant: Contestant, seconds: float) -> Sample:
        """Call the upstream directly, then through the contestant, and subtract."""
        direct = self._answers(contestant.direct_call(self.route), seconds / 3)
        through = self._answers(contestant.call(self.route), seconds * 2 / 3)
        added = tuple(
            (percentile(through.whole_s, at) - percentile(direct.whole_s, at)) * 1e3
            for at in (50, 99)
        )
        return Sample(added, direct.right + through.right, direct.wrong + through.wrong)

    def _answers(self, call: Call, seconds: float) -> Answers:
        answers = uvloop.run(load.repeat(call, self.route, connections=1, seconds=seconds))
        _require_some(answers)
        return answers


class Paced(Measure):
    """100 streams at a model's pace."""

    name = "paced"
    metrics: tuple[Metric, ...] = (
        Metric(name, "CPU per chunk", "µs", 1, aims=AIMS),
        Metric(name, "first chunk, p50", "ms", 2),
        Metric(name, "first chunk, p99", "ms", 2),
    )
    route = Route.PACED
    spread_s = CHUNKS * CHUNK_INTERVAL_S
    """Streams begin one after the other, evenly over the length of one [s]."""

    def take(self, contestant: Contestant, seconds: float) -> Sample:
        """Count chunks and CPU time, and time the first chunk of each stream."""
        before_s = contestant.cpu_s
        answers = uvloop.run(
            load.repeat(
                contestant.call(self.route),
                self.route,
                connections=STREAMS,
                seconds=seconds,
                spread_s=min(self.spread_s, seconds),
            )
        )
        cpu_s = contestant.cpu_s - before_s
        _require_some(answers)
        per_chunk = cpu_s / (answers.right * CHUNKS) * _MICRO
        return Sample(self._values(answers, per_chunk), answers.right, answers.wrong)

    def _values(self, answers: Answers, per_chunk: float) -> tuple[float, ...]:
        p50, p99 = (percentile(answers.first_s, at) * 1e3 for at in (50, 99))
        return per_chunk, p50, p99


class Flood(Paced):
    """100 streams as fast as they go."""

    name = "flood"
    metrics = (
        Metric(name, "chunks/s", "1/s", more_is_better=True),
        Metric(name, "CPU per chunk", "µs", 1),
    )
    route = Route.FLOOD
    spread_s = 0

    def _values(self, answers: Answers, per_chunk: float) -> tuple[float, ...]:
        return answers.right * CHUNKS / answers.elapsed_s, per_chunk


class Memory(Measure):
    """What a stream costs while it is open and nothing is said."""

    name = "memory"
    metrics = (Metric(name, "per open stream", "KB", 1),)
    route = Route.HELD
    restarts = True

    def take(self, contestant: Contestant, seconds: float) -> Sample:
        """Start it anew, warm it up, and open 100 streams for each second there is."""
        contestant.stop()
        contestant.start()
        return uvloop.run(self._held(contestant, max(20, min(500, round(seconds * 100)))))

    async def _held(self, contestant: Contestant, streams: int) -> Sample:
        plain = contestant.call(Route.PLAIN)
        await load.repeat(plain, Route.PLAIN, connections=8, seconds=_WARM_CALLS_S)
        async with load.held(contestant.call(self.route), streams=1):
            pass
        before = contestant.memory_bytes
        async with load.held(contestant.call(self.route), streams=streams) as answers:
            await asyncio.sleep(_WARM_CALLS_S)
            used = contestant.memory_bytes - before
        return Sample((used / streams / 1e3,), answers.right, answers.wrong)


class Start(Measure):
    """How soon it answers, and what it holds when it has."""

    name = "start"
    metrics = (Metric(name, "until the first answer", "s", 2), Metric(name, "memory", "MB", 1))
    route = Route.PLAIN
    restarts = True

    def take(self, contestant: Contestant, seconds: float) -> Sample:  # noqa: ARG002
        """Start it anew and call it once."""
        contestant.stop()
        begin = time.perf_counter()
        contestant.start()
        uvloop.run(load.first_answer(contestant.call(self.route), self.route))
        took_s = time.perf_counter() - begin
        return Sample((took_s, contestant.memory_bytes / 1e6), 1, 0)


MEASURES: tuple[type[Measure], ...] = (Plain, Latency, Paced, Flood, Tls, Memory, Start)


def percentile(values: list[float], at: int) -> float:
    """Give the value that `at` percent do not exceed."""
    return quantiles(values, n=100, method="inclusive")[at - 1] if len(values) > 1 else values[0]


def _require_some(answers: Answers) -> None:
    if not answers.right:
        raise DidNotRunError(f"of {answers.wrong} answers none was right")
