"""`dragoman migrate`."""

from typing import Annotated

import typer

from dragoman.cli.problems import explained
from dragoman.settings import load
from dragoman.storage import schema
from dragoman.storage.engines import locate

DataDir = Annotated[str | None, typer.Option(help="Folder of the database. [DRAGOMAN_DATA_DIR]")]
Check = Annotated[
    bool, typer.Option("--check", help="Change nothing; exit 1 if there are steps to run.")
]


def migrate(data_dir: DataDir = None, *, check: Check = False) -> None:
    """Bring the database to this version's schema, and say which steps that took.

    The database is the one that DRAGOMAN_DATABASE_URL names, else the file in the data directory.
    The steps run in one transaction: all of them, or on a failure none. Servers of the version
    before go on meanwhile; their writes may have to be tried again. 'dragoman serve' does the
    same when it starts: run this before, where starting servers should have nothing to migrate.
    """
    with explained():
        location = locate(load({"data_dir": data_dir}))
        schema.require_there(location)
        with schema.alone(location):
            missing = schema.pending(location)
            if missing and not check:
                schema.upgrade(location)
    if not missing:
        typer.echo("The database is up to date.")
    elif check:
        typer.echo("\n".join(["The database lacks these steps:", *missing]))
        raise typer.Exit(1)
    else:
        typer.echo("\n".join(["Ran these steps:", *missing]))


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(migrate)
