"""A run in a Markdown page, between two marks: what stands around them is written by hand."""

from pathlib import Path

from benchmarks import words
from benchmarks.figures import Run

BEGIN = "<!-- figures: written by scripts/bench -->\n"
END = "<!-- end of figures -->\n"


def put_into(page: Path, run: Run) -> None:
    """Write the figures into a page in place of those that it has. Raises ValueError."""
    before, after = around(page)
    page.write_text(before + BEGIN + section(run) + END + after)


def around(page: Path) -> tuple[str, str]:
    """Give what stands before and behind the figures. Raises ValueError without a place."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for figures, between {BEGIN!r} and {END!r}.")
    return before, after


def section(run: Run) -> str:
    """Write the figures as Markdown."""
    head = words.headings(run)
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *words.rows(run)]
    notes = [f"Not measured: {sentence}" for sentence in run.not_measured]
    notes += [f"Did not run: {sentence}" for sentence in run.failures]
    parts = [
        f"    {run.command}",
        words.circumstances(run),
        "\n".join(f"| {' | '.join(cells)} |" for cells in lines),
        words.disturbance(run),
        "A ratio above 1 means that Dragoman is better. " + words.answers(run),
        "\n".join(f"- {sentence}" for sentence in (*words.verdicts(run), *notes)),
    ]
    return "\n" + "\n\n".join(part for part in parts if part) + "\n\n"
