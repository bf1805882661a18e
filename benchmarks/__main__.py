"""The command line: `scripts/bench`, or `python -m benchmarks`."""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import contestants, machine, page, plot, report, rounds
from benchmarks.contestant import Contestant
from benchmarks.figures import Run
from benchmarks.measures import MEASURES, Measure
from benchmarks.program import DidNotRunError
from benchmarks.upstream import Upstreams
from benchmarks.wrk import wrk_program

NAMES = tuple(measure.name for measure in MEASURES)
FULL = (5, 4.0)
QUICK = (1, 1.0)

Quick = Annotated[bool, typer.Option("--quick", help="One short round: less than a minute.")]
Only = Annotated[
    list[str] | None,
    typer.Option(help=f"Measure this only; may be given again. One of: {', '.join(NAMES)}."),
]
Alone = Annotated[bool, typer.Option("--alone", help="Measure Dragoman, and nothing beside it.")]
Rounds = Annotated[int | None, typer.Option("--rounds", min=1, help="How often each is measured.")]
Seconds = Annotated[float | None, typer.Option(min=0.01, help="How long each time [s].")]
Json = Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")]
Saved = Annotated[
    Path | None,
    typer.Option("--from", help="Measure nothing; show the figures that --json has kept."),
]
Page = Annotated[
    Path | None,
    typer.Option("--page", help="Put the figures into this Markdown page, between its marks."),
]
Plot = Annotated[Path | None, typer.Option("--plot", help="Draw the figures into this SVG file.")]
Check = Annotated[
    bool, typer.Option("--check", help="Exit with 1 if an aim is missed or cannot be judged.")
]


def main(
    *,
    quick: Quick = False,
    only: Only = None,
    alone: Alone = False,
    times: Rounds = None,
    seconds: Seconds = None,
    json: Json = None,
    saved: Saved = None,
    markdown: Page = None,
    picture: Plot = None,
    check: Check = False,
) -> None:
    """Measure what a call costs in Dragoman, beside nginx and TensorZero's gateway.

    Each contestant has the first core for itself; upstreams and load have the others. They are
    measured in turns, and a warm-up is thrown away. Every answer is looked at: the exit status is
    1 if one was wrong or something did not run, whatever the speed.
    """
    unknown = sorted(set(only or ()) - set(NAMES))
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}; there are {', '.join(NAMES)}.")
    if saved is not None:
        run = msgspec.json.decode(saved.read_bytes(), type=Run)
    else:
        run = _new_run(*(QUICK if quick else FULL))
        run.rounds, run.seconds = times or run.rounds, seconds or run.seconds
        _measure(run, [each for each in MEASURES if each.name in (only or NAMES)], alone=alone)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    if markdown is not None:
        page.put_into(markdown, run)
    if picture is not None:
        picture.write_text(plot.svg(run))
    console = Console()
    report.show(run, console)
    if check:
        report.show_unjudged(run, console)
    raise typer.Exit(0 if run.is_sound and (run.reaches_aims or not check) else 1)


def _new_run(times: int, seconds: float) -> Run:
    return Run(
        date=time.strftime("%Y-%m-%d"),
        machine=machine.description(),
        command=" ".join(["scripts/bench", *sys.argv[1:]]),
        rounds=times,
        seconds=seconds,
        versions={},
    )


def _measure(run: Run, wanted: Sequence[type[Measure]], *, alone: bool) -> None:
    """Start everything that takes part, measure it, and end it."""
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


if __name__ == "__main__":
    typer.run(main)
