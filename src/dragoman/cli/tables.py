"""Tables on the terminal; whole lines for whoever reads a pipe."""

import sys
from collections.abc import Iterable, Sequence

PIPE_WIDTH = 400
"""Wide enough for the longest name [columns]."""


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of texts, as they are: nothing in them is markup. The first column is whole."""
    from rich.console import Console  # noqa: PLC0415  # other commands start without it
    from rich.table import Table  # noqa: PLC0415  # likewise

    table = Table(*titles)
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(markup=False, emoji=False, highlight=False, width=width).print(table)
