"""What a person sees when a command cannot do its work: one sentence, no traceback."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from dragoman.app.bootstrap import BootstrapError
from dragoman.domain.errors import DragomanError
from dragoman.settings import SettingsError
from dragoman.storage.schema import SchemaError
from dragoman.vault.keys import KeyringError

EXPECTED = (BootstrapError, DragomanError, SettingsError, SchemaError, KeyringError, OSError)


@contextmanager
def explained() -> Iterator[None]:
    """Turn an expected failure of the block into a message and exit status 1."""
    try:
        yield
    except sqlite3.Error as error:
        typer.secho(f"The database cannot be used: {error}.", fg="red", err=True)
        raise typer.Exit(1) from None
    except UnicodeEncodeError:
        typer.secho("An argument is not text in UTF-8.", fg="red", err=True)
        raise typer.Exit(1) from None
    except EXPECTED as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from None
