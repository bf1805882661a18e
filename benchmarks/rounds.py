"""The order in which contestants are measured: in turns, so that a slow minute hits all of them."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.contestant import Contestant
from benchmarks.figures import Count, Figure, Metric, Run
from benchmarks.measures import Measure, Sample
from benchmarks.program import DidNotRunError

WARM_UP_SECONDS = 0.5

Tell = Callable[[str], None]
"""Hears of each step when it begins."""


class Turn(NamedTuple):
    """One contestant's turn in one round of one measure; round 0 is the warm-up."""

    measure: Measure
    number: int
    contestant: Contestant

    @property
    def title(self) -> str:
        """What to call it while it runs."""
        stage = f"round {self.number}" if self.number else "warm-up"
        return f"{self.measure.name}, {stage}: {self.contestant.name}"


def turns(
    measures: Sequence[Measure], contestants: Sequence[Contestant], rounds: int
) -> Iterator[Turn]:
    """Give every turn, in order: all contestants in each round."""
    for measure in measures:
        able = [each for each in contestants if not each.why_not(measure.route)]
        # What is started anew each time has nothing to be warm from.
        for number in range(1 if measure.restarts else 0, rounds + 1):
            for contestant in able:
                yield Turn(measure, number, contestant)


def play(plan: Sequence[Turn], run: Run, tell: Tell) -> None:
    """Take every turn, and put figures, answers and failures into the run.

    A contestant that fails in a measure is left out of the rest of it.
    """
    values: dict[tuple[Metric, str], list[float]] = {}
    failed: set[tuple[str, str]] = set()
    disturbances = [0.0]
    for turn in plan:
        tell(turn.title)
        contestant = turn.contestant.name
        if (turn.measure.name, contestant) in failed:
            continue
        seconds = run.seconds if turn.number else min(run.seconds, WARM_UP_SECONDS)
        try:
            sample, disturbance = _taken(turn, seconds)
        except (DidNotRunError, OSError, ExceptionGroup) as error:
            failed.add((turn.measure.name, contestant))
            run.failures.append(f"{turn.title}: {_reason(error)}")
            continue
        disturbances.append(disturbance)
        count = run.answers.setdefault(contestant, Count())
        count.right += sample.right
        count.wrong += sample.wrong
        if turn.number:
            for metric, value in zip(turn.measure.metrics, sample.values, strict=True):
                values.setdefault((metric, contestant), []).append(value)
    run.figures = [Figure(metric, name, each) for (metric, name), each in values.items()]
    run.disturbance = max(disturbances)


def _reason(error: Exception) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def _taken(turn: Turn, seconds: float) -> tuple[Sample, float]:
    """Take a turn; say too which share of the time the core worked for somebody else."""
    if turn.measure.restarts:
        return turn.measure.take(turn.contestant, seconds), 0.0
    begin, before_s = time.monotonic(), turn.contestant.others_s
    sample = turn.measure.take(turn.contestant, seconds)
    others_s = turn.contestant.others_s - before_s
    return sample, others_s / (time.monotonic() - begin)
