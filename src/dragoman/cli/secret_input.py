"""Secrets of LLMs on their way in: from a prompt without echo, or a file; never an argument.

The name of a secret that the operator holds is none, and may be one.
"""

import getpass
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from dragoman.cli.failures import Failure

STDIN = Path("-")


@dataclass(frozen=True, kw_only=True)
class SecretOptions:
    """Where the secret comes from, and which header carries it."""

    ask_secret: Annotated[
        bool, typer.Option("--ask-secret", help="Ask for the LLM's secret, without echo.")
    ] = False
    secret_file: Annotated[
        Path | None, typer.Option(help="File with the LLM's secret; - reads standard input.")
    ] = None
    secret_ref: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="The name of a secret that the operator holds and has granted: env://NAME, "
            "file:///path or vault://mount/path#field.",
        ),
    ] = None
    no_secret: Annotated[
        bool,
        typer.Option("--no-secret", help="The LLM wants no secret; deletes one that is stored."),
    ] = False
    secret_header: Annotated[
        str | None, typer.Option(help="Header that carries the secret, if not the usual one.")
    ] = None
    secret_prefix: Annotated[
        str | None, typer.Option(help="What stands before the secret there, as 'Bearer '.")
    ] = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        said = [self.ask_secret, self.secret_file is not None, self.no_secret]
        if sum([*said, self.secret_ref is not None]) > 1:
            raise typer.BadParameter(
                "Use one of --ask-secret, --secret-file, --secret-ref and --no-secret."
            )
        if self.no_secret and (self.secret_header or self.secret_prefix) is not None:
            raise typer.BadParameter("Without a secret there is no header for it.")

    @property
    def reads_stdin(self) -> bool:
        """Whether the secret comes from standard input."""
        return self.secret_file == STDIN

    @property
    def says_which(self) -> bool:
        """Whether there is a secret here, or the name of one."""
        return self.ask_secret or self.secret_file is not None or self.secret_ref is not None

    def members(self) -> dict[str, Any]:
        """Read the secret, and write what a request says about it: nothing, if nothing was said."""
        if self.no_secret:
            return {"credential": None}
        found = {
            "secret": self._read(),
            "reference": self.secret_ref,
            "header": self.secret_header,
            "prefix": self.secret_prefix,
        }
        said = {name: value for name, value in found.items() if value is not None}
        return {"credential": said} if said else {}

    def _read(self) -> str | None:
        if self.ask_secret:
            return _asked()
        if self.secret_file is None:
            return None
        if self.reads_stdin:
            return _checked(_text(sys.stdin.buffer.read(), "standard input"), "standard input")
        return _checked(_text(read_file(self.secret_file), str(self.secret_file)), "that file")


def read_file(path: Path) -> bytes:
    """Read a file that was named on the command line."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from None


def _asked() -> str:
    if not sys.stdin.isatty():
        raise Failure(
            "There is no terminal to ask for the secret on. Give it with --secret-file PATH, "
            "or on standard input with --secret-file -."
        )
    try:
        text = getpass.getpass("Secret (not shown): ")
    except EOFError:
        raise Failure("No secret was given; nothing was stored.") from None
    except UnicodeDecodeError:
        raise Failure("The secret is not text in UTF-8; nothing was stored.") from None
    return _checked(text, "the prompt")


def _text(content: bytes, place: str) -> str:
    try:
        return content.decode().strip("\r\n")
    except UnicodeDecodeError:
        # The bytes stay out of the message: they are the secret.
        raise Failure(f"What {place} holds is not text in UTF-8.") from None


def _checked(text: str, place: str) -> str:
    if not text.strip():
        raise Failure(
            f"There is no secret in {place}; nothing was stored. For an LLM without one, "
            "leave the option out or say --no-secret."
        )
    return text
