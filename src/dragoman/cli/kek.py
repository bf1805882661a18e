"""`dragoman kek`: key-encryption keys."""

from pathlib import Path
from typing import Annotated

import typer

from dragoman.app.bootstrap import write_private
from dragoman.cli.problems import explained
from dragoman.vault.keys import Keyring

app = typer.Typer(
    help="Make key files.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)


@app.callback()
def about() -> None:
    """Make the file of keys that seal stored credentials."""


@app.command()
def create(path: Annotated[Path, typer.Argument(help="The file to make.")]) -> None:
    """Make a key file (mode 0600) to name in DRAGOMAN_KEK_FILE. Never replaces a file."""
    keyring = Keyring.generate()
    with explained():
        write_private(path, keyring.to_text())
    typer.echo(f"Made {path} with the key {keyring.active_id}. Keep a copy in another place.")
