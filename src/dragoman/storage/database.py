"""A SQL database, as the repositories see it, whichever engine is behind it."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]


class Transaction(Protocol):
    """Statements that take effect together or not at all; parameters are `:named`."""

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows."""
        ...

    async def execute(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Run a statement and give the number of rows it touched."""
        ...


class Database(Protocol):
    """One database, open for this process."""

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction that sees one state of the database."""
        ...

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction that may write; commits when the block ends well."""
        ...
