"""What repositories need of a database, whichever engine it is; and where one is.

SQL is text with `:named` parameters. There is one writer at a time, in all processes together:
what a writing transaction has read stays true until it ends.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

Row = tuple[Any, ...]


class UniqueViolation(Exception):
    """A row that may be there once only is there already.

    `constraint` is its name as `tables.py` makes it, the same on both engines: `pk_llms`, or
    `uq_organizations_name` (also where the columns are unique through an index).
    """

    def __init__(self, constraint: str) -> None:
        super().__init__(f"There is such a row already ({constraint}).")
        self.constraint = constraint


class PostgresUrl:
    """Where a PostgreSQL database is. It may hold a password, and is never shown."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "PostgresUrl(...)"


Location = Path | PostgresUrl
"""A SQLite file, or a PostgreSQL database."""


class Transaction(Protocol):
    """Statements that take effect together or not at all.

    After a statement has failed there is nothing left to do but to end the block: a failure that
    is swallowed inside comes again at its end, and everything is undone.
    """

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows."""
        ...

    async def execute(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Run a statement and give the number of rows it touched; raises UniqueViolation."""
        ...


class Watcher(Protocol):
    """A connection of its own that looks for what others commit."""

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows, as of now."""
        ...

    async def news(self) -> None:
        """Wait until somebody may have committed since this was last called."""
        ...


class Database(Protocol):
    """One database, open for this process.

    Every method and block raises `Unavailable` where the database is locked, full or gone.
    """

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction that sees one state of the database, and cannot write."""
        ...

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction that may write, alone; it is on disk when the block ended well."""
        ...

    def watch(self) -> AbstractAsyncContextManager[Watcher]:
        """Connect to hear of commits."""
        ...

    async def ping(self) -> None:
        """Ask the database something small."""
        ...

    async def close(self) -> None:
        """Close all connections; running statements end first."""
        ...
