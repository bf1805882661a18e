"""`dragoman doctor`: what is wrong with an installation, and what to do about it."""

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman import __version__
from dragoman.cli.installation import DataDir
from dragoman.cli.problems import explained

if TYPE_CHECKING:
    from dragoman.app.examination.finding import Finding

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


def doctor(
    data_dir: DataDir = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print findings as JSON, for programs.")
    ] = False,
) -> None:
    """Say what is wrong with an installation, and what to do about it.

    Looks at the machine, the settings, the files, the database and everything in it; every
    stored secret is opened, and none is shown. It changes nothing and works beside running
    servers. Give it the settings of the server, that is the same DRAGOMAN_* variables.

    Ends with status 1 if there is a problem; warnings are no problems.

    Example: dragoman doctor --data-dir /var/lib/dragoman
    """
    with explained():
        found = asyncio.run(_examined(data_dir, as_json=as_json))
    counts = {level: sum(each.level == level for each in found) for level in COLOURS}
    if as_json:
        typer.echo(_json(found))
    else:
        told = ", ".join(
            f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}"
            for level in ("problem", "warning")
        )
        typer.echo(f"\n{told}.")
    raise typer.Exit(1 if counts["problem"] else 0)


async def _examined(data_dir: str | None, *, as_json: bool) -> "list[Finding]":
    """Carry out the checks; without --json each is printed as soon as it is done."""
    from dragoman.app.examination.examine import examine  # noqa: PLC0415  # loads everything

    found = []
    async for each in examine({"data_dir": data_dir}, _show_progress):
        found.append(each)
        if not as_json:
            level = typer.style(f"{each.level:7}", fg=COLOURS[each.level])
            typer.echo(f"{level}  {each.check}: {each.message}")
    return found


def _show_progress(done: int, total: int) -> None:
    """Count on a terminal, in a line that is wiped in the end."""
    if sys.stderr.isatty() and (done % 100 == 0 or done == total):
        text = f"Looking at LLMs: {done} of {total}"
        end = f"\r{' ' * len(text)}\r" if done == total else ""
        typer.echo(f"\r{text}{end}", nl=False, err=True)


def _json(found: "list[Finding]") -> str:
    findings = [{"check": f.check, "level": f.level, "message": f.message} for f in found]
    return json.dumps({"version": __version__, "findings": findings}, indent=2)


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(doctor)
