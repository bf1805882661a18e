"""`dragoman grant`: who may use which of the operator's secrets; also while servers run."""

from collections import Counter
from typing import Annotated, Any

import typer

from dragoman.cli.grouped import examples
from dragoman.cli.installation import DataDir, Installation, on_installation
from dragoman.cli.moments import written
from dragoman.cli.operators_file import DryRun, File, print_example, read, refuse
from dragoman.cli.output import AsJson, print_json
from dragoman.cli.problems import explained
from dragoman.cli.tables import print_table
from dragoman.registry.grants import Changed, GrantDraft, Granted

app = typer.Typer(
    help="Say which of your secrets an organization may use.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def about() -> None:
    """Let organizations use secrets that you hold, where you say, without ever seeing them.

    An LLM names such a secret as its credential (env://OPENAI_API_KEY), and can be saved and
    called only if its organization was granted it for all of the LLM's endpoints. Running servers
    follow within a second.
    """


@app.command(
    epilog=examples(
        "dragoman grant add env://OPENAI_API_KEY --org research \\",
        "    --origin https://api.openai.com",
        "dragoman grant add 'file:///run/secrets/research/*' --org research \\",
        "    --origin https://api.anthropic.com --origin 'https://*.openai.azure.com'",
        "dragoman grant add google-adc --org research",
    )
)
def add(
    secret: Annotated[
        str,
        typer.Argument(
            help="env://NAME, file:///path, file:///folder/*, vault://mount/path#field, "
            "vault://mount/path/* or google-adc."
        ),
    ],
    *,
    org: Annotated[str, typer.Option(help="Name or id of the organization that may use it.")],
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Where it may be sent: https://host, https://host:port, https://*.domain, or "
            "http://host:port. May be given several times; google-adc needs none.",
        ),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Print only the grant's id.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Let an organization use one of your secrets. Several grants of one secret add up.

    The server looks the secret up when an LLM is called; nothing of it is stored.
    """
    draft = GrantDraft(organization=org, secret=secret, origins=tuple(origin or ()))

    async def give(here: Installation) -> Granted:
        return await here.grants.give(draft)

    given = on_installation(data_dir, give)
    _warn(given)
    if plain:
        typer.echo(given.grant.id)
        return
    already = " already" if given.outcome == "unchanged" else ""
    typer.echo(
        f"The organization '{given.organization}' may use {secret}{already} ({given.grant.id}), "
        f"to be sent to {', '.join(given.grant.origins)}."
    )


@app.command(
    "list",
    epilog=examples("dragoman grant list", "dragoman grant list --json | jq -r '.[].secret'"),
)
def list_grants(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List all grants, oldest first.

    Those of 'platform' follow from the file of platform LLMs (dragoman platform --help).
    """

    async def look(here: Installation) -> list[Granted]:
        return await here.grants.all()

    found = on_installation(data_dir, look)
    if as_json:
        print_json([_members(each) for each in found])
    else:
        print_table(("ID", "Organization", "Secret", "Origins"), map(_row, found))


@app.command(
    epilog=examples(
        "dragoman grant remove 01a1ffc1-5ad0-7261-9c6d-43f7fecc49c2",
        "dragoman grant remove $(dragoman grant list --json | jq -r '.[0].id')",
    )
)
def remove(
    grant: Annotated[str, typer.Argument(help="The grant's id; 'dragoman grant list' shows it.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Take a grant away, and say how many LLMs cannot use their secret any more.

    They stay registered. Calls of them are refused until there is such a grant again.
    """

    async def take(here: Installation) -> Changed:
        return await here.grants.take(grant)

    changed = on_installation(data_dir, take)
    (taken,) = changed.grants
    typer.echo(
        f"'{taken.organization}' may not use {taken.grant.secret} under this grant any more."
    )
    typer.echo(_cut_off(changed))


@app.command(
    epilog=examples("dragoman grant example", "dragoman grant example > grants.yaml"),
)
def example() -> None:
    """Print a file to begin with; it can be applied as it is."""
    print_example("grant")


@app.command(
    epilog=examples(
        "dragoman grant apply grants.yaml --dry-run",
        "ssh ops cat grants.yaml | dragoman grant apply -",
    )
)
def apply(
    file: File, *, dry_run: DryRun = False, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Make the grants of all organizations what a file says: all of it, or nothing.

    A grant that is not in the file is taken away. Applying a file again changes nothing.
    """
    with explained():
        data = read(file)

    async def carry_out(here: Installation) -> Changed:
        from dragoman.cli import grant_file  # noqa: PLC0415  # pydantic is heavy

        asked = grant_file.read(data)
        refuse((*asked.problems, *await here.grants.problems(asked.wanted)))
        return await here.grants.apply(asked.wanted, dry_run=dry_run)

    changed = on_installation(data_dir, carry_out)
    for each in changed.grants:
        _warn(each)
    if as_json:
        print_json([_members(each) | {"result": str(each.outcome)} for each in changed.grants])
        return
    print_table(
        ("ID", "Organization", "Secret", "Origins", "Result"),
        ((*_row(each), str(each.outcome)) for each in changed.grants),
    )
    counts = Counter(str(each.outcome) for each in changed.grants)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    typer.echo(f"{told or 'There are no grants'}.")
    if counts["taken"]:
        typer.echo(_cut_off(changed))
    if dry_run:
        typer.echo("This was a dry run: nothing was changed.")


def _cut_off(changed: Changed) -> str:
    match len(changed.cut_off):
        case 0:
            return "No LLM needs it now."
        case 1:
            return f"1 LLM used it and cannot be called now: {changed.cut_off[0].id}."
        case number:
            return f"{number} LLMs used it and cannot be called now; 'dragoman doctor' lists them."


def _warn(granted: Granted) -> None:
    """Say that a secret may be read on its way."""
    in_plain = [each for each in granted.grant.origins if each.startswith("http://")]
    if in_plain and granted.outcome != "taken":
        typer.secho(
            f"To {', '.join(in_plain)} the secret is sent unencrypted, and only if "
            "DRAGOMAN_EGRESS_ALLOW lists the network.",
            fg="yellow",
            err=True,
        )


def _row(granted: Granted) -> tuple[str, str, str, str]:
    grant = granted.grant
    return grant.id, granted.organization, grant.secret, ", ".join(grant.origins)


def _members(granted: Granted) -> dict[str, Any]:
    grant = granted.grant
    return {
        "id": grant.id,
        "organization": granted.organization,
        "organization_id": grant.organization_id,
        "secret": grant.secret,
        "origins": list(grant.origins),
        "created_at": written(grant.created_at_ms),
    }
