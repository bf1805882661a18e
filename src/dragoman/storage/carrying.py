"""Carrying every row of a SQLite file to an empty PostgreSQL database: all of them or none.

The source is held against writers all the while. The target gets its schema and its rows in one
transaction, is read back within it, and keeps them only if both sides have the same values.
"""

import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec
import psycopg
import sqlalchemy as sa
from msgspec import Struct
from psycopg.sql import SQL, Composed, Identifier

from dragoman.domain.errors import Unavailable
from dragoman.storage.database import PostgresUrl, Row
from dragoman.storage.postgres_session import WRITE_LOCK, parameters_of, positional, reason
from dragoman.storage.schema import HEAD
from dragoman.storage.schema_postgres import NO_HURRY, PATIENCE, PREPARE_LOCK, TABLES
from dragoman.storage.schema_version import VERSION_TABLE, SchemaError, run_steps, version_of
from dragoman.storage.sqlite import connect
from dragoman.storage.tables import metadata

ROWS_AT_ONCE = 1000

Progress = Callable[[str, int], None]
"""Hears of which table how many more rows are done; each row is done twice."""


class CommitUnknown(Unavailable):
    """The connection broke while the target was told to keep everything."""


class Carried(Struct, frozen=True):
    """What was carried over, and was the same on both sides."""

    rows: Mapping[str, int]
    """How many rows of each table."""
    revision: int
    """The registry's newest number."""


class _Side:
    """One side, within its transaction; implements the port `Transaction` for reading."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Self]:
        """Read on within the transaction."""
        yield self

    async def execute(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Refuse: whoever reads along changes nothing."""
        raise NotImplementedError


class SqliteSide(_Side):
    """The source."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, table: sa.Table) -> Iterator[Row]:
        """Give a table's rows in the order of their keys."""
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
        found = self._connection.execute(f"SELECT {columns} FROM {table.name} ORDER BY {keys}")
        flags = [at for at, column in enumerate(table.columns) if _is_flag(column)]
        for row in found:
            values = list(row)
            for at in flags:
                values[at] = bool(values[at])  # SQLite has numbers for them
            yield tuple(values)

    def count(self) -> int:
        """Count the rows of all tables."""
        counts = (f"SELECT COUNT(*) FROM {table.name}" for table in metadata.sorted_tables)
        return sum(self._connection.execute(each).fetchone()[0] for each in counts)

    def revision(self) -> int:
        """Give the registry's newest number."""
        return int(self._connection.execute("SELECT revision FROM deployment").fetchone()[0])

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows."""
        return self._connection.execute(sql, parameters).fetchall()


class PostgresSide(_Side):
    """The target."""

    def __init__(self, connection: "psycopg.Connection[Row]") -> None:
        self._connection = connection

    def take(self, table: sa.Table, rows: Iterable[Row]) -> None:
        """Store rows."""
        copy = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table.name), _columns(table))
        with self._connection.cursor() as cursor, cursor.copy(copy) as copying:
            for row in rows:
                copying.write_row(row)

    def rows(self, table: sa.Table) -> Iterator[Row]:
        """Give a table's rows in the order of their keys, by bytes, as SQLite sorts them."""
        keys = SQL(", ").join(
            SQL('{} COLLATE "C"').format(Identifier(column.name)) for column in table.primary_key
        )
        query = SQL("SELECT {} FROM {} ORDER BY {}").format(
            _columns(table), Identifier(table.name), keys
        )
        with self._connection.cursor(name="read_back") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            yield from cursor.execute(query)

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows."""
        query, names = positional(sql)
        with psycopg.RawCursor(self._connection) as cursor:
            return cursor.execute(query, [parameters[name] for name in names]).fetchall()


@contextmanager
def source(path: Path) -> Iterator[SqliteSide]:
    """Hold a SQLite file as it is now: for the length of the block nobody writes to it."""
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield SqliteSide(connection)
        connection.rollback()


@contextmanager
def target(url: PostgresUrl) -> Iterator[PostgresSide]:
    """Make an empty database ready, and keep what is put into it if the block ends well.

    Raises SchemaError for one that is not empty, Unavailable for one that cannot be reached,
    SettingsError; CommitUnknown.
    """
    parameters = parameters_of(url)
    try:
        with psycopg.connect(**parameters, prepare_threshold=None) as connection:
            engine = sa.create_engine("postgresql+psycopg://", creator=lambda: connection)
            with engine.connect() as prepared, prepared.begin() as transaction:
                for statement in (
                    *(PATIENCE, NO_HURRY),
                    *(f"SELECT pg_advisory_xact_lock({lock})" for lock in _LOCKS),
                ):
                    prepared.exec_driver_sql(statement)
                _require_empty(connection)
                run_steps(prepared)
                yield PostgresSide(connection)
                _commit(transaction, parameters)
    except sa.exc.DBAPIError as error:
        raise Unavailable(_told(error.orig, parameters)) from None
    except psycopg.Error as error:
        raise Unavailable(_told(error, parameters)) from None


_LOCKS = (PREPARE_LOCK, WRITE_LOCK)
"""Neither a start nor a writer comes between, on whatever machine."""


def carry(from_: SqliteSide, to: PostgresSide, progress: Progress) -> Carried:
    """Copy every row, and read all back. Raises Unavailable where something differs."""
    counts = {}
    for table in metadata.sorted_tables:
        sent, found = _Digest(table.name, progress), _Digest(table.name, progress)
        to.take(table, sent.passing(from_.rows(table)))
        for _ in found.passing(to.rows(table)):
            pass
        if found.result != sent.result:
            raise Unavailable(
                f"The table {table.name} was not the same when it was read back: "
                f"{sent.count} rows were sent and {found.count} found."
            )
        counts[table.name] = sent.count
    return Carried(counts, from_.revision())


class _Digest:
    """Counts the rows that pass, and digests all their values in order."""

    def __init__(self, table: str, progress: Progress) -> None:
        self._table = table
        self._progress = progress
        self._hash = hashlib.sha256()
        self._encode = msgspec.msgpack.Encoder().encode
        self.count = 0

    def passing(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self._hash.update(self._encode(row))
            self.count += 1
            if self.count % ROWS_AT_ONCE == 0:
                self._progress(self._table, ROWS_AT_ONCE)
            yield row
        self._progress(self._table, self.count % ROWS_AT_ONCE)

    @property
    def result(self) -> tuple[int, bytes]:
        return self.count, self._hash.digest()


def _require_empty(connection: "psycopg.Connection[Row]") -> None:
    """Look, under the locks, whether anything is there. Raises SchemaError."""
    tables = frozenset(str(name) for (name,) in connection.execute(TABLES))
    versions = []
    if VERSION_TABLE in tables:
        versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    version = version_of(tables, [str(number) for (number,) in versions])
    if version is not None and version > HEAD:
        raise SchemaError("The target is of a newer version of Dragoman; use that version.")
    for table in metadata.sorted_tables:
        name = Identifier(table.name)
        query = SQL("SELECT 1 FROM {} LIMIT 1").format(name)
        if table.name in tables and connection.execute(query).fetchone():
            raise SchemaError(
                "The target is not empty: it holds an installation already. If an earlier move "
                "was cut off at its very end, that may be this one: compare with 'dragoman "
                "doctor', with DRAGOMAN_DATABASE_URL set. Otherwise name an empty database."
            )


def _commit(transaction: sa.RootTransaction, parameters: Mapping[str, Any]) -> None:
    try:
        transaction.commit()
    except sa.exc.DBAPIError as error:
        raise CommitUnknown(_told(error.orig, parameters)) from None


def _told(error: BaseException | None, parameters: Mapping[str, Any]) -> str:
    """Say what the server said, without values of rows and without the password."""
    if isinstance(error, psycopg.Error):
        said = error.diag.message_primary or reason(error, parameters)
        return f"The target cannot be used: {said}."
    return "The target cannot be used."


def _columns(table: sa.Table) -> Composed:
    return SQL(", ").join(Identifier(column.name) for column in table.columns)


def _is_flag(column: "sa.Column[Any]") -> bool:
    return isinstance(column.type, sa.Boolean)
