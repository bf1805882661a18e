"""Contestants are measured in turns; one that fails is named, and spoils nobody else's figures."""

from pathlib import Path
from typing import ClassVar

from benchmarks import machine, rounds
from benchmarks.contestant import Contestant
from benchmarks.conversation import Call, Route
from benchmarks.figures import Metric, Run
from benchmarks.measures import Measure, Sample
from benchmarks.program import DidNotRunError, Program
from benchmarks.upstream import Upstreams


class Standing(Contestant):
    """A contestant that is there and does nothing."""

    others_s = 0.0

    def __init__(self, name: str, folder: Path) -> None:
        cores = machine.cores().contestant
        upstreams = Upstreams(folder=folder, cores=cores)
        super().__init__(upstreams=upstreams, folder=folder / name, cores=cores)
        self.name = name

    def why_not(self, route: Route) -> str:
        return "it has no TLS" if route is Route.TLS else ""

    def call(self, route: Route) -> Call:
        raise NotImplementedError  # the measures here ask nobody

    def _start(self) -> Program:
        raise NotImplementedError  # the measures here ask nobody


class Counting(Measure):
    """Gives the number of the turn, and remembers whose it was."""

    name = "counting"
    metrics = (Metric(name, "turn", "1"),)
    route = Route.PLAIN
    failing: ClassVar[dict[str, Exception]] = {}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder, load_cores=machine.cores().others)
        self.taken: list[tuple[str, float]] = []

    def take(self, contestant: Contestant, seconds: float) -> Sample:
        self.taken.append((contestant.name, seconds))
        if contestant.name in self.failing:
            raise self.failing[contestant.name]
        return Sample((float(len(self.taken)),), right=10, wrong=1)


class Failing(Counting):
    failing: ClassVar[dict[str, Exception]] = {
        "b": ExceptionGroup("several", [DidNotRunError("b is broken")])
    }


class Anew(Counting):
    restarts = True


class OverTls(Counting):
    route = Route.TLS


def played(measure: Counting, folder: Path) -> Run:
    run = Run(date="", machine="", command="", rounds=2, seconds=1.0, versions={})
    contestants = [Standing(name, folder) for name in ("a", "b")]
    rounds.play(list(rounds.turns([measure], contestants, run.rounds)), run, lambda _: None)
    return run


def test_everybody_has_a_turn_in_each_round_and_the_warm_up_does_not_count(tmp_path: Path) -> None:
    measure = Counting(tmp_path)
    run = played(measure, tmp_path)
    assert [name for name, _ in measure.taken] == ["a", "b"] * 3
    assert [seconds for _, seconds in measure.taken] == [0.5, 0.5, 1, 1, 1, 1]
    assert {figure.contestant: figure.values for figure in run.figures} == {
        "a": [3, 5],
        "b": [4, 6],
    }
    assert run.is_sound is False  # a wrong answer in the warm-up is a wrong answer
    assert (run.answers["a"].right, run.answers["a"].wrong) == (30, 3)


def test_who_fails_is_named_and_left_out(tmp_path: Path) -> None:
    measure = Failing(tmp_path)
    run = played(measure, tmp_path)
    assert run.failures == ["counting, warm-up: b: b is broken"]
    assert [figure.contestant for figure in run.figures] == ["a"]
    assert [name for name, _ in measure.taken].count("b") == 1


def test_what_is_started_anew_each_time_needs_no_warm_up(tmp_path: Path) -> None:
    measure = Anew(tmp_path)
    played(measure, tmp_path)
    assert len(measure.taken) == 4


def test_nobody_is_measured_on_a_route_that_it_has_not(tmp_path: Path) -> None:
    measure = OverTls(tmp_path)
    played(measure, tmp_path)
    assert measure.taken == []
