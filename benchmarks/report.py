"""A run on the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks import words
from benchmarks.figures import Run


def show(run: Run, console: Console) -> None:
    """Print all figures, then what is wrong with them, then the verdicts."""
    if run.figures:
        console.print(_table(run))
    console.print(words.circumstances(run), style="dim", highlight=False)
    console.print("A ratio above 1 means that Dragoman is better.", style="dim")
    if disturbed := words.disturbance(run):
        console.print(disturbed, style="yellow", highlight=False)
    for sentence in run.not_measured:
        console.print(f"Not measured: {sentence}", style="yellow", markup=False)
    for sentence in run.failures:
        console.print(f"Did not run: {sentence}", style="red", markup=False)
    console.print(words.answers(run), style="green" if run.is_sound else "red")
    for sentence in words.verdicts(run):
        console.print(sentence, style="bold", highlight=False)


def show_unjudged(run: Run, console: Console) -> None:
    """Print which aims there are no figures for."""
    for aim in run.unjudged:
        console.print(f"Not judged: {aim}", style="red", highlight=False)


def _table(run: Run) -> Table:
    table = Table()
    for heading in words.headings(run):
        table.add_column(heading, justify="right" if heading else "left")
    last = ""
    for row in words.rows(run):
        measure = row[0].partition(":")[0]
        if last not in {"", measure}:
            table.add_section()
        last = measure
        table.add_row(*(Text(cell) for cell in row))
    return table
