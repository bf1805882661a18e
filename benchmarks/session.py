"""One session: everything that takes part is started, measured in turns, and ended."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import contestants, machine, rounds
from benchmarks.contestant import Contestant
from benchmarks.figures import Run
from benchmarks.measures import Measure
from benchmarks.program import DidNotRunError
from benchmarks.upstream import Upstreams
from benchmarks.wrk import wrk_program


def measure(run: Run, wanted: Sequence[type[Measure]], *, alone: bool) -> None:
    """Put into a run what these measures give, and what could not be measured."""
    cores = machine.cores()
    if cores.contestant == cores.others:
        run.not_measured.append("fairly: with one core, load and contestant share it")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stack.enter_context(machine.running_on(cores.others))
        upstreams = stack.enter_context(Upstreams(folder=folder, cores=cores.others))
        started = []
        for kind in _taking_part(run, alone=alone):
            contestant = kind(
                upstreams=upstreams, folder=folder / kind.name.lower(), cores=cores.contestant
            )
            stack.callback(contestant.stop)
            if _has_started(contestant, run):
                started.append(contestant)
        measures = [kind(folder=folder, load_cores=cores.others) for kind in wanted]
        _note_what_is_left_out(run, measures, started)
        plan = list(rounds.turns(measures, started, run.rounds))
        with _progress(len(plan)) as tell:
            rounds.play(plan, run, tell)


def _taking_part(run: Run, *, alone: bool) -> Iterator[type[Contestant]]:
    yield contestants.Dragoman
    if alone:
        return
    absent = contestants.missing()
    for kind in (contestants.Nginx, contestants.TensorZero):
        if kind.name in absent:
            run.not_measured.append(f"{kind.name}: {absent[kind.name]}.")
        else:
            yield kind


def _has_started(contestant: Contestant, run: Run) -> bool:
    try:
        contestant.start()
    except (DidNotRunError, OSError) as error:
        run.failures.append(f"{contestant.name}: {error}")
        return False
    run.versions[contestant.name] = contestant.version
    return True


def _note_what_is_left_out(
    run: Run, measures: Sequence[Measure], started: Sequence[Contestant]
) -> None:
    for measure in measures:
        for contestant in started:
            why = contestant.why_not(measure.route)
            if why:
                run.not_measured.append(f"{measure.name} of {contestant.name}: {why}.")
    if wrk_program() is None:
        run.not_measured.append(
            "more than callers written in Python can ask for: wrk is not installed "
            "(Debian: apt-get install wrk)."
        )


@contextmanager
def _progress(steps: int) -> Iterator[rounds.Tell]:
    """Show how far it is; drawn between two steps only, because drawing takes time too."""
    described = TextColumn("{task.description}")
    with Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        described,
        console=Console(stderr=True),
        auto_refresh=False,
    ) as progress:
        task = progress.add_task("", total=steps)

        def tell(title: str) -> None:
            progress.update(task, description=title, advance=0 if not begun else 1)
            begun.append(title)
            progress.refresh()

        begun: list[str] = []
        yield tell
        progress.update(task, completed=steps, description="done")
        progress.refresh()
