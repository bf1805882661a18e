"""`dragoman platform`: the operator's LLMs, which every organization sees."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.cli.installation import DataDir, Installation, on_installation
from dragoman.cli.operators_file import DryRun, File, print_example, read, refuse
from dragoman.cli.problems import explained
from dragoman.cli.tables import print_table

if TYPE_CHECKING:
    from dragoman.registry.platform import Applied

app = typer.Typer(
    help="LLMs that every organization sees.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def about() -> None:
    """Keep the LLMs that every organization sees and calls, and none may change, in one file."""


@app.command()
def example() -> None:
    """Print a file to begin with; it can be applied as it is.

    Example: dragoman platform example > platform.yaml
    """
    print_example("platform")


@app.command()
def apply(
    file: File,
    *,
    dry_run: DryRun = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete platform LLMs that the file does not have.")
    ] = False,
    allow_plain_secrets: Annotated[
        bool,
        typer.Option("--allow-plain-secrets", help="Take secrets that stand in the file itself."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Make the platform's LLMs what a file says: all of it, or nothing.

    Running servers follow within a second. An LLM is known by its display_name: one that is
    there already is changed, and keeps its id. Applying a file again changes nothing.

    Secrets come from this command's environment, {env: NAME}, or from files, {file: PATH}, and
    are stored sealed.

    Example: OPENAI_API_KEY=sk-... dragoman platform apply platform.yaml
    """
    with explained():
        data = read(file)

    async def carry_out(here: Installation) -> "list[Applied]":
        from dragoman.cli import platform_file  # noqa: PLC0415  # pydantic is heavy

        asked = platform_file.read(data, allow_plain_secrets=allow_plain_secrets)
        platform = await here.platform_llms()
        refuse(
            platform_file.as_written(problem)
            for problem in (*asked.problems, *platform.problems(asked.wanted))
        )
        return await platform.apply(asked.wanted, prune=prune, dry_run=dry_run)

    _report(on_installation(data_dir, carry_out), dry_run=dry_run)


def _report(applied: "list[Applied]", *, dry_run: bool) -> None:
    print_table(
        ("ID", "Name", "Result", "Changed"),
        (
            (
                each.llm.id,
                each.llm.configuration.display_name,
                each.outcome,
                ", ".join(each.members),
            )
            for each in applied
        ),
    )
    counts = Counter(str(each.outcome) for each in applied)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    typer.echo(f"{told or 'There are no platform LLMs'}.")
    if counts["left"]:
        typer.echo("What is left is not in the file; --prune deletes it.")
    if dry_run:
        typer.echo("This was a dry run: nothing was changed.")
