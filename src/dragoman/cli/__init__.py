"""The command line: `dragoman --help`."""

import logging

import typer

from dragoman import __version__
from dragoman.cli.commands import Commands
from dragoman.settings import calling

app = typer.Typer(
    name="dragoman",
    cls=Commands,
    help="One self-hosted registry and gateway for LLMs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    *,
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    """Register LLMs once, call them from anything that speaks OpenAI."""
    if not calling().colors:
        context.color = False
    if version:
        typer.echo(f"dragoman {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    # What a command has to say, it says itself; `serve` sets up the log.
    logging.getLogger("dragoman").addHandler(logging.NullHandler())
    app()
