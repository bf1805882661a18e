"""`dragoman key`: API keys, on the installation itself; also while the server runs."""

import re
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
MS_PER_DAY = 24 * 60 * 60 * 1000
_DAYS = re.compile("([1-9][0-9]{0,4})d", re.ASCII)

app = typer.Typer(
    help="Make, list and revoke API keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
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
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends by itself: after days, as 90d, or a last day, 2027-01-31."),
    ] = None,
    org: Org = DEFAULT_ORGANIZATION,
    data_dir: DataDir = None,
    plain: Plain = False,
) -> None:
    """Make an API key. It is shown once.

    admin: everything. editor: registers LLMs, changes its own, calls any. viewer: reads.
    caller: lists and calls. In the organization 'platform', an admin key operates the
    installation: it makes and sees all organizations.

    Permissions are written as llm:use:any or organization:administer. A last day is one in UTC.

    Example: dragoman key create --role caller --name my-service --expires 90d
    """
    clock = SystemClock()
    draft = KeyDraft(
        name=name,
        role=role,
        principal_id=principal,
        permissions=_listed(permissions),
        expires_at_ms=None if expires is None else end_ms(expires, clock.now_ms()),
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

    now_ms = SystemClock().now_ms()
    rows = [_row(key, principal, now_ms) for key, principal in on_installation(data_dir, read)]
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


def end_ms(text: str, now_ms: int) -> int:
    """Read when a key ends [ms since 1970]; raises BadParameter for what is no such time."""
    days = _DAYS.fullmatch(text)
    if days is not None:
        return now_ms + int(days[1]) * MS_PER_DAY
    try:
        last_day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        end = int(last_day.timestamp() * 1000) + MS_PER_DAY
    except ValueError:
        end = 0
    if end <= now_ms:
        raise typer.BadParameter(
            "must be a number of days, as 90d, or a day that is not over, as 2027-01-31",
            param_hint="--expires",
        )
    return end


def _row(key: ApiKey, principal: Principal, now_ms: int) -> tuple[str, str, str, str, str]:
    made = datetime.fromtimestamp(key.created_at_ms / 1000, UTC)
    return key.id, key.name, principal.role, f"{made:%Y-%m-%d %H:%M} UTC", _state(key, now_ms)


def _state(key: ApiKey, now_ms: int) -> str:
    if key.revoked_at_ms is not None:
        return "revoked"
    if key.expires_at_ms is None:
        return "active"
    end = datetime.fromtimestamp(key.expires_at_ms / 1000, UTC)
    word = "active until" if key.expires_at_ms > now_ms else "ended"
    return f"{word} {end:%Y-%m-%d %H:%M} UTC"
