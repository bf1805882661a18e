"""`dragoman llm create` and `dragoman llm update`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dragoman.cli.client import Server
from dragoman.cli.connection import Connection
from dragoman.cli.documents import Document, merged, read_document, secrets_of
from dragoman.cli.llm_found import NameOrId, found
from dragoman.cli.llm_options import Members, cleared, missing
from dragoman.cli.llm_shown import Shown, card, summary
from dragoman.cli.output import AsJson, print_json, print_line
from dragoman.cli.refusals import Refused
from dragoman.cli.secret_input import STDIN, SecretOptions

PRECONDITION_FAILED = 412
SOURCES = frozenset({"kind", "secret", "reference", "hints", "scopes", "quota_project_id"})
"""Members of a credential that say where its secret comes from."""
NEWS = frozenset({"revision", "updated_at", "updated_by"})
"""Members that every change changes."""


class Unique(StrEnum):
    """What no other LLM may have."""

    NAME = "name"
    CONNECTION = "connection"


@dataclass(frozen=True, kw_only=True)
class Saving:
    """Where further members come from, and how they are saved."""

    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", help="File with members, JSON or YAML; - reads standard input. Options win."
        ),
    ] = None
    unique: Annotated[
        list[Unique] | None,
        typer.Option(
            metavar="name|connection",
            help="Refuse if another LLM has the name, or reaches the same; repeatable.",
        ),
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check it and show what it would be; store nothing.")
    ] = False
    as_json: AsJson = False

    def document(self, members: Document, secret: SecretOptions) -> Document:
        """Put together what was said, the secret aside: options over the file."""
        if self.from_ == STDIN and secret.reads_stdin:
            raise typer.BadParameter("--from and --secret-file cannot both read standard input.")
        below = {} if self.from_ is None else read_document(self.from_)
        return merged(below, members)

    def query(self) -> list[tuple[str, str]]:
        """Write how to save for the server."""
        unique = [("unique", each.value) for each in dict.fromkeys(self.unique or ())]
        return [*unique, *([("dry_run", "true")] if self.dry_run else [])]

    def say(self, sentence: str, llm: Shown) -> None:
        """Tell what came of it."""
        if self.as_json:
            print_json(llm)
        elif self.dry_run:
            print_line(f"Nothing was stored. It would be:\n\n{card(llm)}")
        else:
            print_line(sentence)


def create(
    members: Members, secret: SecretOptions, saving: Saving, *, connection: Connection
) -> None:
    """Register an LLM.

    It needs --name, --protocol, --endpoint and --model, in options or in the file of --from; the
    file may hold all members that the API knows (docs/cli.md). The secret comes from a prompt
    without echo, a file or standard input, and is never shown again.
    """
    with connection.open() as server:
        document = saving.document(members.document(), secret)
        if lacking := missing(document):
            raise typer.BadParameter(
                f"Missing {', '.join(lacking)}; give each as an option, or in a file with --from."
            )
        document = _with_secret(document, secret)
        server.hide(secrets_of(document))
        with _secret_hinted():
            llm = server.changed("POST", "/llms", query=saving.query(), body=document)
        saving.say(f"Registered {summary(llm)}.", llm)


def update(
    name_or_id: NameOrId,
    members: Members,
    clear: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MEMBER", help="Empty a member, as description or labels.env; repeatable."
        ),
    ] = None,
    *,
    secret: SecretOptions,
    saving: Saving,
    connection: Connection,
) -> None:
    """Change an LLM; what is not named stays as it is.

    Labels and headers are added to those that are there; --endpoint and --tag replace all. A new
    host needs the secret again. If somebody else changes it at the same moment, nothing is stored.
    """
    with connection.open() as server:
        said = members.document()
        empty = cleared(clear or [], said)
        document = merged(_with_secret(saving.document(said, secret), secret), empty)
        if not document:
            raise typer.BadParameter("Say what to change; 'dragoman llm update --help' lists it.")
        server.hide(secrets_of(document))
        before = found(server, name_or_id)
        after = _changed(server, before, document, saving.query())
        saving.say(_sentence(before, after, document), after)


def _with_secret(document: Document, secret: SecretOptions) -> Document:
    """Put what options say about the secret over a document, and over whichever secret it means."""
    below = document.get("credential")
    if secret.says_which and isinstance(below, dict):
        rest = {name: value for name, value in below.items() if name not in SOURCES}
        document = document | {"credential": rest}
    return merged(document, secret.members())


def _changed(
    server: Server, before: Shown, document: Document, query: list[tuple[str, str]]
) -> Shown:
    with unchanged_since(before), _secret_hinted():
        return server.changed(
            "PATCH", f"/llms/{before['id']}", query=query, body=document, headers=if_match(before)
        )


def if_match(llm: Shown) -> dict[str, str]:
    """Ask that an LLM is still what was read."""
    return {"if-match": f'"{llm["revision"]}"'} if "revision" in llm else {}


@contextmanager
def unchanged_since(llm: Shown) -> Iterator[None]:
    """Say what to do where somebody else was faster."""
    try:
        yield
    except Refused as refused:
        if refused.status != PRECONDITION_FAILED:
            raise
        raise Refused(
            f"{summary(llm)} was changed by somebody else meanwhile, and nothing was stored. Look "
            f"at it with 'dragoman llm get {llm['id']}', then try again.",
            refused.status,
        ) from None


@contextmanager
def _secret_hinted() -> Iterator[None]:
    """Say how to give a secret where the server wants one."""
    try:
        yield
    except Refused as refused:
        if "credential.secret" in refused.paths:
            hint = "Give the secret with --ask-secret or --secret-file."
            refused.args = (f"{refused} {hint}",)
        raise


def _sentence(before: Shown, after: Shown, document: Document) -> str:
    """Name what is another now; the server does not show secrets, so those count as changed."""
    names: dict[str, Any] = {
        name: None for name in after if name not in NEWS and after[name] != before.get(name)
    }
    if secrets_of(document):
        hidden = (name for name in ("credential", "headers") if document.get(name))
        names |= dict.fromkeys(hidden)
    if not names:
        return f"Nothing to change: {summary(after)} is like that already."
    return f"Changed {', '.join(names)} of {summary(after)}."
