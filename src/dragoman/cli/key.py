"""`dragoman key`: API keys, on the data directory; also while the server runs."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer

from dragoman.app.clock import SystemClock
from dragoman.cli.problems import explained
from dragoman.domain.principal import ApiKey, Principal, Role
from dragoman.registry.keys import DEFAULT_ORGANIZATION, Keys
from dragoman.settings import load
from dragoman.storage import schema
from dragoman.storage.engines import locate, open_database
from dragoman.storage.unit_of_work import SqlStore

T = TypeVar("T")

PIPE_WIDTH = 400
"""Wide enough for the longest name [columns]."""

app = typer.Typer(
    help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None
)

Org = Annotated[str, typer.Option(help="The organization's name.")]
DataDir = Annotated[str | None, typer.Option(help="Folder of the database. [DRAGOMAN_DATA_DIR]")]
Plain = Annotated[bool, typer.Option("--plain", help="Print only the key.")]


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="What its holder may do.")],
    name: Annotated[str, typer.Option(help="What to call it.")],
    org: Org = DEFAULT_ORGANIZATION,
    data_dir: DataDir = None,
    *,
    plain: Plain = False,
) -> None:
    """Make an API key, and a principal of that role for it to act as. It is shown once.

    admin: everything. editor: registers LLMs, changes its own, calls any. viewer: reads.
    caller: lists and calls.
    """
    new = _with_keys(data_dir, lambda keys: keys.create(org, role, name))
    if plain:
        typer.echo(new.text)
    else:
        typer.echo(f"{new.text}\n\nThis is the only time the key is shown. Its id: {new.key.id}")


@app.command("list")
def list_keys(org: Org = DEFAULT_ORGANIZATION, data_dir: DataDir = None) -> None:
    """List an organization's API keys, without their texts."""
    from rich.console import Console  # noqa: PLC0415  # other commands start without it
    from rich.table import Table  # noqa: PLC0415  # likewise

    table = Table("ID", "Name", "Role", "Made", "State")
    table.columns[0].no_wrap = True
    for key, principal in _with_keys(data_dir, lambda keys: keys.of_organization(org)):
        table.add_row(*_row(key, principal))
    # Names are shown as they are, and a pipe gets whole lines.
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(markup=False, emoji=False, highlight=False, width=width).print(table)


@app.command()
def revoke(
    id_or_name: Annotated[
        str, typer.Argument(help="The key's id, or its name if it is the only one.")
    ],
    org: Org = DEFAULT_ORGANIZATION,
    data_dir: DataDir = None,
) -> None:
    """End an API key. Running servers refuse it within a second."""
    key = _with_keys(data_dir, lambda keys: keys.revoke(org, id_or_name))
    typer.echo(f"Revoked '{key.name}' ({key.id}).")


def _with_keys(data_dir: str | None, use: Callable[[Keys], Awaitable[T]]) -> T:
    """Open the data directory's database for one use case."""

    async def run() -> T:
        settings = load({"data_dir": data_dir})
        location = locate(settings)
        schema.require(location)
        database = open_database(location)
        try:
            return await use(Keys(store=SqlStore(database), clock=SystemClock()))
        finally:
            await database.close()

    with explained():
        return asyncio.run(run())


def _row(key: ApiKey, principal: Principal) -> tuple[str, str, str, str, str]:
    made = datetime.fromtimestamp(key.created_at_ms / 1000, UTC)
    state = "active" if key.revoked_at_ms is None else "revoked"
    return key.id, key.name, principal.role, f"{made:%Y-%m-%d %H:%M} UTC", state
