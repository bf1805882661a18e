"""One session of a PostgreSQL server: its limits, its statements, and what its errors mean.

Everything is set per transaction and nothing per session, and no statement is prepared: so it
works behind a pooler that gives each transaction another session.
"""

import asyncio
import logging
import re
import socket
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumper

from dragoman.domain.errors import Malformed, Unavailable
from dragoman.settings import SettingsError
from dragoman.storage.database import PostgresUrl, Row, UniqueViolation

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 3
HANG_S = 8.0
"""How long a server may be silent after a statement before it counts as gone [s]."""

OUR_FAULTS = (psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.DataError)
"""What is wrong with a statement; all other errors are the server being busy, full or gone."""

WRITE_LOCK = int.from_bytes(b"dragoman")
"""Whoever holds this advisory lock is the one writer."""

_LIMITS = """
SET LOCAL statement_timeout = '5s';
SET LOCAL lock_timeout = '5s';
-- Shorter than the others' patience: a process that is stuck costs them a wait and no error.
SET LOCAL idle_in_transaction_session_timeout = '3s';
"""
BEGIN_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}"
# After the lock each statement sees what the writer before has committed.
BEGIN_WRITE = f"""
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_LIMITS}
SELECT set_config('synchronous_commit', 'on', true)
WHERE current_setting('synchronous_commit') = 'off';
SELECT pg_advisory_xact_lock({WRITE_LOCK});
"""
COMMIT = "COMMIT"
COMMIT_WITH_NEWS = "NOTIFY dragoman; COMMIT"
ROLLBACK = "ROLLBACK"
LISTEN = "LISTEN dragoman"

_PLACE = re.compile(r"""'[^']*'|"[^"]*"|::|:([a-z_][a-z0-9_]*)""")


@lru_cache(maxsize=1000)
def positional(sql: str) -> tuple[str, tuple[str, ...]]:
    """Write `:name` as `$1`; give the names in the order of their numbers.

    What stands in quotes, and a cast's `::`, is left alone.
    """
    names: dict[str, str] = {}

    def place(found: re.Match[str]) -> str:
        name = found[1]
        return names.setdefault(name, f"${len(names) + 1}") if name else found[0]

    text = _PLACE.sub(place, sql)
    return text, tuple(names)


def parameters_of(url: PostgresUrl) -> dict[str, Any]:
    """Read a URL as PostgreSQL's library does; raises SettingsError, which does not quote it."""
    try:
        given = conninfo_to_dict(url.text)
    except psycopg.ProgrammingError:
        raise SettingsError(
            "DRAGOMAN_DATABASE_URL: PostgreSQL's library cannot read this URL; write "
            "postgresql://user:password@host:5432/database, and special characters in the "
            "password as %40 and the like."
        ) from None
    ours = {
        "application_name": "dragoman",
        "connect_timeout": CONNECT_TIMEOUT_S,
        # A machine that is gone without a word is found out about.
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
    return ours | given | {"client_encoding": "utf8"}


def reason(error: Exception, parameters: Mapping[str, Any]) -> str:
    """Say in one line what went wrong, without the password."""
    text = " ".join(str(error).split())
    password = parameters.get("password")
    return text.replace(password, "...") if password else text


class Session:
    """A connection, on which one statement runs after another."""

    def __init__(self, connection: "psycopg.AsyncConnection[Row]") -> None:
        self._connection = connection
        self._cursor = psycopg.AsyncRawCursor(connection)
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, parameters: Mapping[str, Any]) -> Self:
        """Connect; raises psycopg's errors."""
        connection = await psycopg.AsyncConnection.connect(
            **parameters, autocommit=True, prepare_threshold=None
        )
        # As text, not as something whose type the server has to guess.
        connection.adapters.register_dumper(str, StrDumper)
        return cls(connection)

    @property
    def is_lost(self) -> bool:
        """Whether the connection is known to have ended."""
        return self._connection.closed

    @property
    def is_idle(self) -> bool:
        """Whether it can be used for the next transaction."""
        return self._status == TransactionStatus.IDLE

    @property
    def _status(self) -> TransactionStatus:
        return self._connection.info.transaction_status

    async def command(self, statements: str) -> None:
        """Run statements that take no values, in one round trip."""
        await self._run(statements, None)

    async def fetch(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows."""
        await self._run_with(sql, values)
        return await self._cursor.fetchall()

    async def execute(self, sql: str, values: Mapping[str, Any]) -> int:
        """Run a statement and give the number of rows it touched."""
        await self._run_with(sql, values)
        return self._cursor.rowcount

    async def hear(self, timeout_s: float) -> None:
        """Wait for a notification, and no longer than that."""
        async for _ in self._connection.notifies(timeout=timeout_s, stop_after=1):
            pass

    async def roll_back(self) -> None:
        """Undo what is not committed; a statement that still runs is stopped first."""
        if self._status == TransactionStatus.ACTIVE:
            await self._connection.cancel_safe(timeout=CONNECT_TIMEOUT_S)
            await self.close()
        elif not self.is_idle and not self.is_lost:
            await self.command(ROLLBACK)

    async def close(self) -> None:
        """Hang up; the server undoes what is not committed."""
        await self._connection.close()

    async def _run_with(self, sql: str, values: Mapping[str, Any]) -> None:
        text, names = positional(sql)
        await self._run(text, [values[name] for name in names])

    async def _run(self, text: str, values: list[Any] | None) -> None:
        guard = self._loop.call_later(HANG_S, self._hang_up)
        try:
            await self._cursor.execute(text, values)
        finally:
            guard.cancel()

    def _hang_up(self) -> None:
        """End the connection underneath a statement that waits for a silent server."""
        if not self.is_lost:
            with socket.fromfd(
                self._connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM
            ) as same:
                same.shutdown(socket.SHUT_RDWR)


def has_hung_up(error: BaseException) -> bool:
    """Tell whether the server ended the session, as it does when it is restarted."""
    return isinstance(error, psycopg.Error) and (error.sqlstate or "08").startswith(("08", "57P"))


def tell(error: psycopg.Error, parameters: Mapping[str, Any]) -> NoReturn:
    """Raise what an error of the driver means."""
    if isinstance(error, psycopg.errors.UniqueViolation):
        name = error.diag.constraint_name or ""
        raise UniqueViolation(re.sub("^ix_", "uq_", name)) from error
    if isinstance(error, psycopg.DataError) and "NUL" in str(error):
        raise Malformed("A text holds the character U+0000, which cannot be stored.") from error
    if isinstance(error, OUR_FAULTS):
        raise error
    log.warning("database_unavailable", extra={"reason": reason(error, parameters)})
    raise Unavailable("The database cannot be reached right now; try again.") from error
