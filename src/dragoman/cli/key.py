"""`dragoman key`: API keys, on the installation itself; also while the server runs."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from dragoman.app.clock import SystemClock
from dragoman.authz.check import operator
from dragoman.cli.installation import DataDir, Installation, on_installation
from dragoman.cli.tables import print_table
from dragoman.domain.page import MAX_PAGE_SIZE, PageQuery
from dragoman.domain.principal import ApiKey, Principal, Role
from dragoman.registry.keys import KeyDraft, NewKey

DEFAULT_ORGANIZATION = "default"
DAY_MS = 24 * 60 * 60 * 1000

app = typer.Typer(
    help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None
)

Org = Annotated[str, typer.Option(help="The organization's name.")]
Plain = Annotated[bool, typer.Option("--plain", help="Print only the key.")]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What to call it.")],
    *,
    role: Annotated[
        Role | None, typer.Option(help="What its holder may do; makes a new principal.")
    ] = None,
    principal: Annotated[
        str | None, typer.Option(help="Id of the principal to act as, in place of --role.")
    ] = None,
    permissions: Annotated[
        str | None,
        typer.Option(help="Comma-separated permissions of the role, to allow only those."),
    ] = None,
    expires_in_days: Annotated[
        int | None, typer.Option(min=1, max=36500, help="Days until it ends by itself.")
    ] = None,
    org: Org = DEFAULT_ORGANIZATION,
    data_dir: DataDir = None,
    plain: Plain = False,
) -> None:
    """Make an API key. It is shown once.

    admin: everything. editor: registers LLMs, changes its own, calls any. viewer: reads.
    caller: lists and calls. In the organization 'platform', an admin key operates the
    installation: it makes and sees all organizations.

    Permissions are written as llm:use:any or organization:administer.
    """
    draft = KeyDraft(
        name=name,
        role=role,
        principal_id=principal,
        permissions=_listed(permissions),
        expires_at_ms=_end_ms(expires_in_days),
    )

    async def make(here: Installation) -> NewKey:
        of = await here.organizations.named(operator(), org)
        return await here.keys.create(operator(), draft, of.id)

    new = on_installation(data_dir, make)
    if plain:
        typer.echo(new.text)
    else:
        typer.echo(f"{new.text}\n\nThis is the only time the key is shown. Its id: {new.key.id}")


@app.command("list")
def list_keys(org: Org = DEFAULT_ORGANIZATION, data_dir: DataDir = None) -> None:
    """List an organization's API keys, without their texts, newest first."""

    async def read(here: Installation) -> list[tuple[ApiKey, Principal]]:
        of = await here.organizations.named(operator(), org)
        found: list[tuple[ApiKey, Principal]] = []
        query = PageQuery(limit=MAX_PAGE_SIZE)
        while True:
            page = await here.keys.page(operator(), query, of.id)
            found += page.items
            if page.next is None:
                return found
            query = PageQuery(limit=MAX_PAGE_SIZE, after=page.next)

    rows = [_row(key, principal) for key, principal in on_installation(data_dir, read)]
    print_table(("ID", "Name", "Role", "Made", "State"), rows)


@app.command()
def revoke(
    id_or_name: Annotated[
        str, typer.Argument(help="The key's id, or its name if it is the only one.")
    ],
    org: Org = DEFAULT_ORGANIZATION,
    data_dir: DataDir = None,
) -> None:
    """End an API key. Running servers refuse it within a second."""

    async def end(here: Installation) -> ApiKey:
        of = await here.organizations.named(operator(), org)
        return await here.keys.revoke(operator(), id_or_name, of.id)

    key = on_installation(data_dir, end)
    typer.echo(f"Revoked '{key.name}' ({key.id}).")


def _listed(permissions: str | None) -> tuple[str, ...] | None:
    if permissions is None:
        return None
    return tuple(each.strip() for each in permissions.split(",") if each.strip())


def _end_ms(days: int | None) -> int | None:
    if days is None:
        return None
    return SystemClock().now_ms() + days * DAY_MS


def _row(key: ApiKey, principal: Principal) -> tuple[str, str, str, str, str]:
    made = datetime.fromtimestamp(key.created_at_ms / 1000, UTC)
    return key.id, key.name, principal.role, f"{made:%Y-%m-%d %H:%M} UTC", _state(key)


def _state(key: ApiKey) -> str:
    if key.revoked_at_ms is not None:
        return "revoked"
    if key.expires_at_ms is None:
        return "active"
    end = datetime.fromtimestamp(key.expires_at_ms / 1000, UTC)
    word = "active until" if key.expires_at_ms > SystemClock().now_ms() else "ended"
    return f"{word} {end:%Y-%m-%d %H:%M} UTC"
