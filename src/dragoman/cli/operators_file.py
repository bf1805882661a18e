"""Files that an operator applies: reading one, and saying what is wrong with it.

Nothing that a file holds is ever quoted, but for the names of members that look like names.
"""

import re
import sys
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from dragoman.domain.errors import MAX_PROBLEMS, Problem

READ_AT_MOST_BYTES = 2 * 1024 * 1024
"""More than any file that is taken."""

_NAME = re.compile("[A-Za-z_-]{1,40}", re.ASCII)

File = Annotated[str, typer.Argument(help="The file (YAML); '-' reads it from standard input.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Try it in full, and change nothing.")]


def print_example(kind: str) -> None:
    """Print the example of one kind of file."""
    text = resources.files("dragoman.cli").joinpath(f"{kind}_example.yaml").read_text()
    typer.echo(text, nl=False)


def read(file: str) -> bytes:
    """Read a file, or standard input for '-'. Raises OSError."""
    if file == "-":
        return sys.stdin.buffer.read(READ_AT_MOST_BYTES)
    with Path(file).open("rb") as opened:
        return opened.read(READ_AT_MOST_BYTES)


def refuse(problems: Iterable[Problem]) -> None:
    """End the command where there are problems, with each of them and its place."""
    found = sorted(problems, key=_position)
    if not found:
        return
    for problem in found[:MAX_PROBLEMS]:
        typer.secho(_located(problem), fg="red", err=True)
    more = len(found) - MAX_PROBLEMS
    if more > 0:
        typer.secho(f"and {more} more", fg="red", err=True)
    typer.secho("Nothing was changed.", err=True)
    raise typer.Exit(1)


def _position(problem: Problem) -> int:
    """Give the place in the list that a problem is about; those of the file itself stand first."""
    _, *rest = problem.path
    return rest[0] if rest and isinstance(rest[0], int) else -1


def _located(problem: Problem) -> str:
    """Write a problem and where it is: `llms[2].endpoints[0].url: …`."""
    written = ""
    for step in problem.path:
        if isinstance(step, int):
            written += f"[{step}]"
        else:
            # What stands where a name belongs may be a secret that was put there by mistake.
            written += f".{step if _NAME.fullmatch(step) else '*'}"
    return f"{written.removeprefix('.')}: {problem.message}"
