"""`dragoman org`: organizations, on the installation itself; also while servers run."""

import shlex
from datetime import UTC, datetime
from typing import Annotated

import typer

from dragoman.authz.check import operator
from dragoman.cli.installation import DataDir, Installation, on_installation
from dragoman.cli.tables import print_table
from dragoman.domain.page import MAX_PAGE_SIZE, PageQuery
from dragoman.domain.principal import Organization

app = typer.Typer(
    help="Make, list and rename organizations.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Plain = Annotated[bool, typer.Option("--plain", help="Print only its id.")]


@app.callback()
def about() -> None:
    """Organizations share an installation, and see nothing of each other."""


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What to call it; no other may have this name.")],
    *,
    data_dir: DataDir = None,
    plain: Plain = False,
) -> None:
    """Make an organization. Nobody can use it before it has an API key.

    Example: dragoman org create --name research
    """

    async def make(here: Installation) -> Organization:
        return await here.organizations.create(operator(), name)

    made = on_installation(data_dir, make)
    if plain:
        typer.echo(made.id)
        return
    typer.echo(
        f"Made the organization '{made.name}' ({made.id}). Make its first API key:\n\n"
        f"    dragoman key create --org {shlex.quote(made.name)} --role admin --name first"
    )


@app.command("list")
def list_organizations(data_dir: DataDir = None) -> None:
    """List all organizations, newest first.

    'platform' holds the LLMs that every organization sees (dragoman platform --help).
    """

    async def read(here: Installation) -> list[Organization]:
        found: list[Organization] = []
        query = PageQuery(limit=MAX_PAGE_SIZE)
        while True:
            page = await here.organizations.page(operator(), query)
            found += page.items
            if page.next is None:
                return found
            query = PageQuery(limit=MAX_PAGE_SIZE, after=page.next)

    rows = [_row(organization) for organization in on_installation(data_dir, read)]
    print_table(("ID", "Name", "Made"), rows)


@app.command()
def rename(
    name: Annotated[str, typer.Argument(help="What it is called now.")],
    new_name: Annotated[str, typer.Argument(help="What to call it from now on.")],
    data_dir: DataDir = None,
) -> None:
    """Give an organization another name. Its id, LLMs and keys stay as they are.

    Example: dragoman org rename research research-eu
    """

    async def change(here: Installation) -> Organization:
        of = await here.organizations.named(operator(), name)
        return await here.organizations.rename(operator(), of.id, new_name)

    renamed = on_installation(data_dir, change)
    typer.echo(f"The organization {renamed.id} is called '{renamed.name}' now.")


def _row(organization: Organization) -> tuple[str, str, str]:
    made = datetime.fromtimestamp(organization.created_at_ms / 1000, UTC)
    return organization.id, organization.name, f"{made:%Y-%m-%d %H:%M} UTC"
