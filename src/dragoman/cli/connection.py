"""Which server a command calls, and with which key: options that all such commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from dragoman.cli.client import Server
from dragoman.cli.failures import Failure
from dragoman.cli.refusals import bad_address, no_key
from dragoman.settings import calling

MAX_KEY_LENGTH = 4096


@dataclass(frozen=True, kw_only=True)
class Connection:
    """What is said about the server on the command line."""

    url: Annotated[
        str | None,
        typer.Option(help="Address of the server. [DRAGOMAN_URL, else http://127.0.0.1:8080]"),
    ] = None
    api_key_file: Annotated[
        Path | None,
        typer.Option(help="File with the API key, in place of DRAGOMAN_API_KEY."),
    ] = None
    timeout: Annotated[float, typer.Option(min=0.1, max=86400, help="How long to wait [s].")] = 30.0
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Say on stderr what is called, and how long it took.")
    ] = False

    def open(self, *, timeout_s: float | None = None) -> Server:
        """Get ready to call the server; raises Failure where address or key cannot be used."""
        said = calling()
        url = _address(self.url or said.url)
        key = said.api_key if self.api_key_file is None else _in_file(self.api_key_file)
        if key is None:
            raise no_key(url)
        return Server(url, _usable(key), timeout_s=timeout_s or self.timeout, verbose=self.verbose)


def _address(text: str) -> str:
    """Check an address; it may have a path, for a server behind a proxy."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise bad_address()
    return text.rstrip("/")


def _in_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Failure(f"The API key cannot be read from {path}: {reason}.") from None
    if not text:
        raise Failure(f"There is no API key in {path}; it should hold one and nothing else.")
    return text


def _usable(key: str) -> str:
    """Check that a key can be sent; the message does not repeat it."""
    key = key.strip()
    if not (key.isascii() and key.isprintable()) or " " in key or len(key) > MAX_KEY_LENGTH:
        raise Failure(
            "The API key is not one: it must be a single word such as dgm_…; look at "
            "DRAGOMAN_API_KEY or at the file of --api-key-file."
        )
    return key
