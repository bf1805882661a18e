"""SQLite: one connection writes, a few read, each in a thread of its own.

A commit is on disk when it returns (WAL with `synchronous=FULL`). The event loop never waits
for the disk: statements run in their connection's thread, one after another.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from dragoman.domain.errors import Unavailable
from dragoman.storage.database import Row, UniqueViolation

log = logging.getLogger(__name__)

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5000
READERS = 3
LOOK_INTERVAL_S = 0.1
STATEMENT_DEADLINE_S = 5.0
"""A statement that takes longer is given up, so that others get their turn [s]."""
STEPS_BETWEEN_LOOKS = 1000
"""How many steps of its virtual machine SQLite makes between two looks at the deadline."""

OUR_FAULTS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)
"""What is wrong with a statement; all other errors are the database being locked, full or gone."""

UNIQUE_PREFIXES = {"SQLITE_CONSTRAINT_PRIMARYKEY": "pk", "SQLITE_CONSTRAINT_UNIQUE": "uq"}
"""How the names of constraints begin that SQLite reports as broken."""

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    # What was deleted, sealed secrets included, is overwritten.
    "PRAGMA secure_delete = ON",
)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a database as every part of Dragoman has to, in autocommit mode; never makes one."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _commit(connection: sqlite3.Connection) -> None:
    """Commit; raises where SQLite has undone the transaction already, as it does on a full disk."""
    if not connection.in_transaction:
        raise sqlite3.OperationalError("the transaction was rolled back")
    connection.commit()


class SqliteTransaction:
    """A transaction of one connection."""

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection
        self._failure: Exception | None = None

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows."""
        return await self._run(lambda db: db.execute(sql, parameters).fetchall())

    async def execute(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Run a statement and give the number of rows it touched; raises UniqueViolation."""
        return await self._run(lambda db: db.execute(sql, parameters).rowcount)

    async def commit(self) -> None:
        """Make it last; raises again what a statement raised."""
        if self._failure is not None:
            raise self._failure
        await self._connection.run(_commit)

    async def _run(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._connection.run(statement)
        except Exception as error:
            self._failure = error
            raise


class SqliteWatcher:
    """Watches SQLite's data version, which moves with every commit of any process."""

    def __init__(self, connection: "_Connection", version: int) -> None:
        self._connection = connection
        self._version = version

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows, as of now."""
        return await self._connection.run(lambda db: db.execute(sql, parameters).fetchall())

    async def news(self) -> None:
        """Wait until another connection has committed."""
        while True:
            seen, self._version = self._version, await _data_version(self._connection)
            if self._version != seen:
                return
            await asyncio.sleep(LOOK_INTERVAL_S)


class SqliteDatabase:
    """One database file, open for this process."""

    def __init__(self, path: Path) -> None:
        self._writer = _Connection(connect(path))
        self._readers = [_Connection(connect(path, read_only=True)) for _ in range(READERS)]
        self._path = path
        self._free: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
        for reader in self._readers:
            self._free.put_nowait(reader)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqliteTransaction]:
        """Begin a transaction that sees one state of the database."""
        reader = await self._free.get()
        try:
            async with reader.transaction("BEGIN") as transaction:
                yield transaction
        finally:
            self._free.put_nowait(reader)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqliteTransaction]:
        """Begin a transaction that may write; commits when the block ends well."""
        async with self._writer.transaction("BEGIN IMMEDIATE") as transaction:
            yield transaction

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[SqliteWatcher]:
        """Open a connection of its own: a slow query must not keep a process from hearing."""
        try:
            connection = _Connection(connect(self._path, read_only=True))
        except sqlite3.DatabaseError as error:
            raise Unavailable(str(error)) from error  # told to who watches, and not logged
        try:
            yield SqliteWatcher(connection, await _data_version(connection))
        finally:
            await connection.close()

    async def ping(self) -> None:
        """Read something small from the file."""
        async with self.read() as transaction:
            await transaction.fetch("SELECT version_num FROM alembic_version", {})

    async def close(self) -> None:
        """Close all connections; running statements end first."""
        for connection in (self._writer, *self._readers):
            await connection.close()


class _Connection:
    """A connection and the one thread that uses it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._turn = asyncio.Lock()
        self._db = db
        self._due_at = inf
        db.set_progress_handler(lambda: time.monotonic() > self._due_at, STEPS_BETWEEN_LOOKS)

    async def run(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        """Run something in the connection's thread.

        Raises Unavailable where the database is locked, full or gone.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._run_in_time, statement)
        except sqlite3.DatabaseError as error:
            _tell(error)

    def _run_in_time(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        self._due_at = time.monotonic() + STATEMENT_DEADLINE_S
        try:
            return statement(self._db)
        finally:
            self._due_at = inf

    @asynccontextmanager
    async def transaction(self, begin: str) -> AsyncIterator[SqliteTransaction]:
        async with self._turn:
            try:
                await self.run(lambda db: db.execute(begin))
                transaction = SqliteTransaction(self)
                yield transaction
                await transaction.commit()
            except BaseException:
                # A cancelled statement goes on in its thread. The thread takes jobs in order, so
                # this rollback comes after it, and before whatever the next transaction does.
                await asyncio.shield(self.run(sqlite3.Connection.rollback))
                raise

    async def close(self) -> None:
        async with self._turn:
            await self.run(sqlite3.Connection.close)
            self._thread.shutdown(wait=False)


async def _data_version(connection: _Connection) -> int:
    """Give a number that differs after any other connection, in any process, committed."""
    rows = await connection.run(lambda db: db.execute("PRAGMA data_version").fetchall())
    return int(rows[0][0])


def _tell(error: sqlite3.DatabaseError) -> NoReturn:
    """Raise what an error of the driver means."""
    # Errors that the driver itself found have no such name.
    prefix = UNIQUE_PREFIXES.get(getattr(error, "sqlite_errorname", ""))
    if prefix is not None:
        raise UniqueViolation(_constraint(prefix, str(error))) from error
    if isinstance(error, OUR_FAULTS):
        raise error
    log.warning("database_unavailable", extra={"reason": str(error)})
    raise Unavailable("The database cannot be reached right now; try again.") from error


def _constraint(prefix: str, message: str) -> str:
    """Name a constraint as `tables.py` does; SQLite says `…: llms.organization_id, llms.id`."""
    columns = [column.split(".") for column in message.rpartition(": ")[2].split(", ")]
    table = columns[0][0]
    names = [] if prefix == "pk" else [column[-1] for column in columns]
    return "_".join([prefix, table, *names])
