"""JSON on standard output, and lists as suits the reader: a table for a person, else lines."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from dragoman.cli.tables import print_table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json(value: Any) -> None:
    """Print a value for programs, and for people who read JSON."""
    print_line(json.dumps(value, indent=2, ensure_ascii=False))


def print_line(text: str) -> None:
    """Print a text and a line's end; what the terminal's encoding lacks is written as ASCII."""
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(text.encode(encoding, "backslashreplace").decode(encoding))


def print_list(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows: as a table on a terminal, else with tabs between, each as soon as it is there."""
    if sys.stdout.isatty():
        print_table(titles, rows)
        return
    print_line("\t".join(titles))
    for row in rows:
        print_line("\t".join(row))
