"""`dragoman serve`."""

import asyncio
import contextlib
import logging
import socket
import sys
from typing import Annotated

import typer

from dragoman import __version__
from dragoman.app import bootstrap, logs
from dragoman.app.presence import Presence
from dragoman.app.supervisor import Supervisor
from dragoman.cli.problems import explained
from dragoman.settings import Settings, load

log = logging.getLogger(__name__)

BACKLOG = 2048
ADMIN_KEY_FILE = "admin.key"

Host = Annotated[str | None, typer.Option(help="Address to listen on. [DRAGOMAN_HOST]")]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on; 0 takes a free one. [DRAGOMAN_PORT]")
]
Workers = Annotated[
    int | None, typer.Option(help="Processes that serve requests. [DRAGOMAN_WORKERS]")
]
DataDir = Annotated[
    str | None, typer.Option(help="Folder of database and key file. [DRAGOMAN_DATA_DIR]")
]
Production = Annotated[
    bool,
    typer.Option(
        "--production",
        help="Refuse to start without a key file that was given. [DRAGOMAN_PRODUCTION]",
    ),
]


def serve(
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    data_dir: DataDir = None,
    *,
    production: Production = False,
) -> None:
    """Serve the registry and the gateway.

    The first start makes what it needs: the data directory, the database, a key file and an
    admin API key. Every setting is also a DRAGOMAN_* variable (docs/settings.md); an option
    stands before its variable. SIGTERM lets running requests end.
    """
    options = {"host": host, "port": port, "workers": workers, "data_dir": data_dir}
    with explained():
        settings = load(options | {"production": True if production else None})
        logs.configure(settings)
        listener = _listen(settings)
        prepared = asyncio.run(bootstrap.prepare(settings))
        presence = Presence(settings.data_path)
        url = _url(listener)
        first_steps = _hand_over(settings, prepared.admin_key, url)
        _say(*prepared.made, *first_steps)

    def announce() -> None:
        presence.announce(url)
        _announce(settings, url)

    supervisor = Supervisor(settings, prepared.keyring, listener, on_ready=announce)
    raise typer.Exit(supervisor.run())


def _listen(settings: Settings) -> socket.socket:
    """Bind first: a port that is taken should be known before anything is made."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise bootstrap.BootstrapError(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
            "Choose another with --host and --port."
        ) from None
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def _hand_over(settings: Settings, admin_key: str | None, url: str) -> list[str]:
    """Give the first admin key to whoever started us: on a terminal, else in a private file."""
    if admin_key is None:
        return []
    if sys.stdout is not None and sys.stdout.isatty():
        return [FIRST_STEPS.format(key=admin_key, url=url)]
    path = settings.data_path / ADMIN_KEY_FILE
    path.unlink(missing_ok=True)  # left over from a data directory that was here before
    bootstrap.write_private(path, f"{admin_key}\n")
    return [f"Wrote the first admin API key to {path}."]


def _say(*sentences: str) -> None:
    """Print, if there is anywhere to print; a server goes on without."""
    with contextlib.suppress(OSError, AttributeError):
        for sentence in sentences:
            typer.echo(sentence)
        sys.stdout.flush()


FIRST_STEPS = """
Your first admin API key. It is not shown again; 'dragoman key create' makes others.

    export DRAGOMAN_API_KEY={key}

Register an LLM, and call it by its name:

    curl {url}/v1/llms -H "Authorization: Bearer $DRAGOMAN_API_KEY" \\
      -H "Content-Type: application/json" -d '{{
        "displayName": "my-llm", "llmFormat": "openai", "modelName": "gpt-4o-mini",
        "urls": [{{"url": "https://api.openai.com/v1/chat/completions"}}],
        "secret": "'"$OPENAI_API_KEY"'"}}'

    curl {url}/v1/chat/completions -H "Authorization: Bearer $DRAGOMAN_API_KEY" \\
      -H "Content-Type: application/json" -d '{{
        "model": "my-llm", "messages": [{{"role": "user", "content": "Hello"}}]}}'
"""


def _announce(settings: Settings, url: str) -> None:
    count = f"{settings.workers} worker{'s' if settings.workers > 1 else ''}"
    _say(f"Dragoman {__version__} is ready on {url} ({count}). Ctrl+C stops it.")


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(serve)
