"""How a command that calls a server ends when it cannot do its work: one sentence, status 1."""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

MAX_QUOTED = 600
"""How much of somebody else's text stands in a message [characters]."""


class Failure(Exception):
    """Why a command cannot go on, as a sentence with the next step in it."""


@contextmanager
def reported() -> Iterator[None]:
    """Turn a failure of the block into a message and exit status 1.

    What was printed is out when the block is left, so that a reader who has gone is noticed here
    and not at the interpreter's end.
    """
    if sys.stdout is None:  # closed by whoever started this
        sys.stdout = io.StringIO()
    try:
        yield
        sys.stdout.flush()
    except UnicodeEncodeError:
        typer.secho("An argument is not text in UTF-8.", fg="red", err=True)
        raise typer.Exit(1) from None
    except Failure as failure:
        sys.stdout.flush()
        typer.secho(str(failure), fg="red", err=True)
        raise typer.Exit(1) from None


def one_line(text: str) -> str:
    """Make somebody else's text safe to print: one line, no escapes, not endless."""
    flat = _CONTROL.sub(" ", text).strip()
    return flat if len(flat) <= MAX_QUOTED else f"{flat[:MAX_QUOTED]}…"


def sentence(text: str) -> str:
    """Give a text on one line, with the full stop that it may lack."""
    flat = one_line(text)
    return flat if not flat or flat.endswith((".", "!", "?", "…")) else f"{flat}."
