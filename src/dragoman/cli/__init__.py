"""The command line: `dragoman --help`."""

import logging

import typer

from dragoman import __version__
from dragoman.cli import audit, doctor, kek, key, llm, migrate, move, org, platform, serve
from dragoman.cli.grouped import examples, grouped
from dragoman.settings import calling

app = typer.Typer(
    name="dragoman",
    help="One self-hosted registry and gateway for LLMs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("migrate")(migrate.migrate)
app.command("move")(move.move)
app.add_typer(llm.app, name="llm")
app.command(
    "audit",
    epilog=examples(
        "dragoman audit --since 7d",
        "dragoman audit --llm my-llm --action llm.update",
        "dragoman audit --follow",
    ),
)(grouped(audit.audit))
app.add_typer(key.app, name="key")
app.add_typer(org.app, name="org")
app.add_typer(platform.app, name="platform")
app.add_typer(kek.app, name="kek")


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
