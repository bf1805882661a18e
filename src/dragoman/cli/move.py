"""`dragoman move`: from the SQLite file to PostgreSQL."""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.cli.installation import DataDir
from dragoman.cli.problems import EXPECTED, explained
from dragoman.settings import Settings, SettingsError, load, variable

if TYPE_CHECKING:
    from dragoman.app.moving import Watched
    from dragoman.storage.carrying import Carried

VARIABLE = "DRAGOMAN_MOVE_TO"


def move(
    to: Annotated[
        str | None,
        typer.Option(
            help=f"The empty database: postgresql://user:password@host:5432/database. [{VARIABLE}]"
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Move an installation from its SQLite file to an empty PostgreSQL database.

    Stop all servers before. Everything is copied in one transaction and read back: every row is
    compared, every stored secret is opened. On any failure, and if it is cut off, the target is
    as it was before, and so is the file; then try again.

    The URL may hold a password, which others on this machine can see in an option: put it into
    the variable DRAGOMAN_MOVE_TO instead.

    Example: DRAGOMAN_MOVE_TO=postgresql://me@db.internal/dragoman dragoman move
    """
    url = to or variable(VARIABLE)
    with explained():
        settings, target = _settings(url, data_dir)
        with _harmless():
            from dragoman.app.moving import move  # noqa: PLC0415  # SQLAlchemy is heavy
            from dragoman.storage.database import PostgresUrl  # noqa: PLC0415

            begun_at = time.monotonic()
            with _watched() as watched:
                carried = move(settings, PostgresUrl(target), watched)
    _report(carried, time.monotonic() - begun_at)
    _say_what_to_set(settings, named_by_variable=to is None)


def _settings(url: str | None, data_dir: str | None) -> tuple[Settings, str]:
    """Read the settings of the source, and check the target's URL. Raises SettingsError."""
    if url is None:
        raise SettingsError(f"Name the database to move to in --to or in {VARIABLE}.")
    settings = load({"data_dir": data_dir})
    if settings.database_url is not None:
        raise SettingsError(
            "DRAGOMAN_DATABASE_URL is set, so this installation is on PostgreSQL already. Take "
            "the variable away to move the SQLite file of the data directory."
        )
    try:
        load({"data_dir": data_dir, "database_url": url})
    except SettingsError as error:
        raise SettingsError(str(error).replace("DRAGOMAN_DATABASE_URL", "The target")) from None
    return settings, url


@contextmanager
def _harmless() -> Iterator[None]:
    """Say of a failure that it changed nothing."""
    try:
        yield
    except (*EXPECTED, sqlite3.Error) as error:
        if type(error).__name__ == "CommitUnknown":
            said = (
                "The connection broke at the very end: the target is either complete or as it was "
                "before. Look with 'dragoman doctor', with DRAGOMAN_DATABASE_URL set."
            )
        else:
            said = "Nothing was moved: the target is as it was before, and so is the SQLite file."
        typer.secho(said, err=True)
        raise


@contextmanager
def _watched() -> "Iterator[Watched]":
    """Show how far it is: a bar on a terminal, else one line a table."""
    from rich.console import Console  # noqa: PLC0415  # other commands start without it
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from dragoman.app.moving import Watched  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} rows, copied and read back;"),
        TextColumn("{task.fields[speed]} rows/s,"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True), disable=not sys.stderr.isatty()
    ) as progress:
        task = progress.add_task("Moving", total=1, speed="0")

        def step(table: str, rows: int) -> None:
            progress.update(task, advance=rows / 2, description=table)
            speed = progress.tasks[0].speed or 0
            progress.update(task, speed=f"{speed:,.0f}")

        yield Watched(lambda rows: progress.update(task, total=rows), step)


def _report(carried: "Carried", elapsed_s: float) -> None:
    for table, rows in carried.rows.items():
        typer.echo(f"{table}: {rows}")
    rows = sum(carried.rows.values())
    typer.echo(
        f"\nMoved {rows} rows in {elapsed_s:.1f} s ({rows / elapsed_s:.0f} rows/s). Both sides are "
        f"the same up to change number {carried.revision}. Every stored secret opens."
    )


def _say_what_to_set(settings: Settings, *, named_by_variable: bool) -> None:
    value = f'"${VARIABLE}"' if named_by_variable else "'the URL that --to named'"
    typer.echo(
        f"""
Set this wherever servers and commands of this installation run, then start the servers:

    export DRAGOMAN_DATABASE_URL={value}

The key file {settings.kek_path} stays needed: each machine must have it.
{settings.database_path} was left as it is. Once all is well, put it away: a server that is
started without the variable would go on with it."""
    )


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(move)
