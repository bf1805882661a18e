"""The installation itself in SQL."""

import msgspec

from dragoman.domain.deployment import Deployment
from dragoman.storage.database import Transaction

SELECT = "SELECT id, created_at_ms FROM deployment"
INSERT = """
INSERT INTO deployment (id, created_at_ms, revision)
VALUES (:id, :created_at_ms, (SELECT COALESCE(MAX(revision), 0) FROM audit))
"""
KEK_IDS = "SELECT DISTINCT kek_id FROM llms WHERE kek_id IS NOT NULL"


class SqlReadDeployment:
    """The installation, to look at."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self) -> Deployment | None:
        """Find the one row; None before the first start has ended."""
        rows = await self._transaction.fetch(SELECT, {})
        return Deployment(*rows[0]) if rows else None

    async def kek_ids(self) -> frozenset[str]:
        """List the key-encryption keys that stored credentials need."""
        return frozenset(row[0] for row in await self._transaction.fetch(KEK_IDS, {}))


class SqlWriteDeployment(SqlReadDeployment):
    """The installation, to make."""

    async def add(self, deployment: Deployment) -> None:
        """Store the one row."""
        await self._transaction.execute(INSERT, msgspec.structs.asdict(deployment))
