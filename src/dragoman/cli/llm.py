"""`dragoman llm`: register LLMs on a running server; read, change and call them."""

import sys
from typing import Annotated

import typer

from dragoman.cli import chat, llm_changes, ping
from dragoman.cli.client import Server
from dragoman.cli.connection import Connection
from dragoman.cli.failures import Failure
from dragoman.cli.grouped import examples, grouped
from dragoman.cli.llm_filters import ME, Filters
from dragoman.cli.llm_found import NameOrId, found
from dragoman.cli.llm_shown import TITLES, card, host, row, summary
from dragoman.cli.output import AsJson, print_json, print_line, print_list

app = typer.Typer(
    help="Register LLMs on a running server; read, change and call them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@app.command(
    "list",
    epilog=examples(
        "dragoman llm list",
        "dragoman llm list --enabled --label 'env=prod, tier in (a, b)'",
        "dragoman llm list --json | jq -r '.[].id'",
    ),
)
@grouped
def list_llms(
    filters: Filters,
    *,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    as_json: AsJson = False,
    connection: Connection,
) -> None:
    """List the LLMs that the key may see, newest first.

    On a terminal it is a table, in a pipe one line each with tabs between. Times are UTC.
    """
    with connection.open() as server:
        own_id = None if as_json and filters.owner != ME else _own_id(server)
        llms = server.listed("/llms", filters.query(own_id), limit)
        if as_json:
            print_json(list(llms))
        else:
            print_list(TITLES, (row(llm, own_id) for llm in llms))


@app.command(
    epilog=examples("dragoman llm get my-llm", "dragoman llm get my-llm --json > my-llm.json")
)
@grouped
def get(name_or_id: NameOrId, *, as_json: AsJson = False, connection: Connection) -> None:
    """Show an LLM with all that is set. Its secret is never shown, nor can it be.

    What --json prints can be changed and given back: 'dragoman llm update NAME --from FILE'.
    """
    with connection.open() as server:
        llm = found(server, name_or_id)
        if as_json:
            print_json(llm)
        else:
            print_line(card(llm))


app.command(
    epilog=examples(
        "dragoman llm create --name my-llm --protocol openai --model gpt-4o-mini \\",
        "    --endpoint https://api.openai.com/v1/chat/completions --ask-secret",
        "pass show openai | dragoman llm create --from my-llm.yaml --secret-file -",
        "dragoman llm create --from my-llm.yaml --secret-ref env://OPENAI_API_KEY",
        "dragoman llm create --name local --protocol custom --model qwen3 \\",
        "    --endpoint http://127.0.0.1:8000/v1/chat/completions --label env=dev",
    ),
)(grouped(llm_changes.create))
app.command(
    epilog=examples(
        "dragoman llm update my-llm --model gpt-4o --label tier=a",
        "dragoman llm update my-llm --ask-secret",
        "dragoman llm update my-llm --clear description --clear sampling.temperature",
    ),
)(grouped(llm_changes.update))


@app.command(epilog=examples("dragoman llm delete my-llm", "dragoman llm delete my-llm --yes"))
@grouped
def delete(
    name_or_id: NameOrId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    connection: Connection,
) -> None:
    """Delete an LLM with its secret, for good. Calls of it are refused within a second.

    On a terminal it asks first; without one it needs --yes.
    """
    with connection.open() as server:
        llm = found(server, name_or_id)
        if not yes and not _confirmed(f"Delete {summary(llm)}, {llm.get('model')} at {host(llm)}?"):
            print_line("Nothing was deleted.")
            return
        with llm_changes.unchanged_since(llm):
            server.call("DELETE", f"/llms/{llm['id']}", headers=llm_changes.if_match(llm))
        print_line(f"Deleted {summary(llm)}.")


app.command(
    "chat",
    epilog=examples(
        "dragoman llm chat my-llm",
        "dragoman llm chat my-llm 'Name three rivers.' --temperature 0",
        "dragoman llm chat my-llm --system 'Summarize.' < report.txt",
    ),
)(grouped(chat.talk))
app.command(
    epilog=examples(
        "dragoman llm ping my-llm",
        "dragoman llm ping my-llm --count 20 --interval 0.2 --timeout 2",
        "dragoman llm ping my-llm --json | jq -r 'select(.summary) | .summary.rttP90Ms'",
    ),
)(grouped(ping.ping))


def _own_id(server: Server) -> str | None:
    """Ask who the key's principal is."""
    principal = server.read("/me").get("principal")
    return str(principal.get("id")) if isinstance(principal, dict) else None


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise Failure("There is no terminal to ask on whether to delete it; say so with --yes.")
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
