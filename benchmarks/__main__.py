"""The command line: `scripts/bench`, or `python -m benchmarks`."""

import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from benchmarks import machine, page, plot, report, session
from benchmarks.figures import Run
from benchmarks.measures import MEASURES

NAMES = tuple(measure.name for measure in MEASURES)
FULL = (5, 4.0)
QUICK = (1, 1.0)


def _known(names: list[str] | None) -> list[str]:
    unknown = sorted(set(names or ()) - set(NAMES))
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}; there are {', '.join(NAMES)}.")
    return names or list(NAMES)


def _with_a_place(path: Path | None) -> Path | None:
    """Look before minutes have gone by."""
    try:
        if path is not None:
            page.around(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    return path


Quick = Annotated[bool, typer.Option("--quick", help="One short round: less than a minute.")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        callback=_known,
        help=f"Measure this only; may be given again. One of: {', '.join(NAMES)}.",
    ),
]
Alone = Annotated[bool, typer.Option("--alone", help="Measure Dragoman, and nothing beside it.")]
Rounds = Annotated[int | None, typer.Option("--rounds", min=1, help="How often each is measured.")]
Seconds = Annotated[float | None, typer.Option(min=0.01, help="How many seconds each time takes.")]
Json = Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")]
Saved = Annotated[
    Path | None,
    typer.Option(
        "--from",
        exists=True,
        dir_okay=False,
        help="Measure nothing; show the figures that --json has kept.",
    ),
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--page",
        callback=_with_a_place,
        help="Put the figures into this Markdown page, between its marks.",
    ),
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
    if saved is not None:
        run = msgspec.json.decode(saved.read_bytes(), type=Run)
    else:
        run = _new_run(*(QUICK if quick else FULL))
        run.rounds, run.seconds = times or run.rounds, seconds or run.seconds
        wanted = [each for each in MEASURES if each.name in (only or NAMES)]
        session.measure(run, wanted, alone=alone)
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


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command(
    epilog="Kept figures are shown again with --from; docs/benchmarks.md says what is measured."
)(main)

if __name__ == "__main__":
    app(prog_name="scripts/bench")
