"""Units of work: the repositories, joined to one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dragoman.domain.ports import Memory
from dragoman.storage.database import Database, Transaction
from dragoman.storage.repositories.audit import SqlReadAudit, SqlWriteAudit
from dragoman.storage.repositories.deployment import SqlReadDeployment, SqlWriteDeployment
from dragoman.storage.repositories.grants import SqlReadGrants, SqlWriteGrants
from dragoman.storage.repositories.llms import SqlReadLLMs, SqlWriteLLMs
from dragoman.storage.repositories.principals import SqlReadPrincipals, SqlWritePrincipals


class SqlReadWork:
    """A view of the registry; what it holds cannot write."""

    def __init__(self, transaction: Transaction) -> None:
        self.llms = SqlReadLLMs(transaction)
        self.principals = SqlReadPrincipals(transaction)
        self.deployment = SqlReadDeployment(transaction)
        self.audit = SqlReadAudit(transaction)
        self.grants = SqlReadGrants(transaction)


class SqlWriteWork:
    """A change of the registry."""

    def __init__(self, transaction: Transaction) -> None:
        self.llms = SqlWriteLLMs(transaction)
        self.principals = SqlWritePrincipals(transaction)
        self.deployment = SqlWriteDeployment(transaction)
        self.audit = SqlWriteAudit(transaction)
        self.grants = SqlWriteGrants(transaction)


class SqlStore:
    """The registry in a SQL database.

    `memory` hears of each change of this process at once, so that a caller who reads what it has
    just written does not wait for the change feed.
    """

    def __init__(self, database: Database, memory: Memory | None = None) -> None:
        self._database = database
        self._memory = memory

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlReadWork]:
        """Begin a view."""
        async with self._database.read() as transaction:
            yield SqlReadWork(transaction)

    @asynccontextmanager
    async def writing(self, *, keep: bool = True) -> AsyncIterator[SqlWriteWork]:
        """Begin a change; it is on disk when the block has ended well.

        Without `keep` it is tried in full, and then undone.
        """
        try:
            async with self._database.write() as transaction:
                work = SqlWriteWork(transaction)
                yield work
                if not keep:
                    raise _Undone
        except _Undone:
            return
        if self._memory is not None and work.audit.changes:
            self._memory.changed(work.audit.changes)


class _Undone(Exception):
    """Leaves a transaction that was only tried."""
