"""Units of work: the repositories, joined to one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dragoman.domain.ports import OnChange
from dragoman.storage.database import Database, Transaction
from dragoman.storage.repositories.audit import SqlAudit
from dragoman.storage.repositories.deployment import SqlReadDeployment, SqlWriteDeployment
from dragoman.storage.repositories.llms import SqlReadLLMs, SqlWriteLLMs
from dragoman.storage.repositories.principals import SqlReadPrincipals, SqlWritePrincipals


class SqlReadWork:
    """A view of the registry; what it holds cannot write."""

    def __init__(self, transaction: Transaction) -> None:
        self.llms = SqlReadLLMs(transaction)
        self.principals = SqlReadPrincipals(transaction)
        self.deployment = SqlReadDeployment(transaction)


class SqlWriteWork:
    """A change of the registry."""

    def __init__(self, transaction: Transaction) -> None:
        self.llms = SqlWriteLLMs(transaction)
        self.principals = SqlWritePrincipals(transaction)
        self.deployment = SqlWriteDeployment(transaction)
        self.audit = SqlAudit(transaction)


class SqlStore:
    """The registry in a SQL database.

    `on_write` is called after each change of this process, so that a caller who reads what it
    has just written does not wait for the change feed.
    """

    def __init__(self, database: Database, on_write: OnChange = lambda: None) -> None:
        self._database = database
        self._on_write = on_write

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlReadWork]:
        """Begin a view."""
        async with self._database.read() as transaction:
            yield SqlReadWork(transaction)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[SqlWriteWork]:
        """Begin a change; it is on disk when the block has ended well."""
        async with self._database.write() as transaction:
            yield SqlWriteWork(transaction)
        self._on_write()
