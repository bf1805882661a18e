"""The installation itself in SQL."""

from typing import Any

from dragoman.domain.credential import Sealed
from dragoman.domain.deployment import Deployment
from dragoman.storage.database import Transaction

SELECT = """
SELECT id, created_at_ms, digest_kek_id, digest_wrapped_dek, digest_ciphertext FROM deployment
"""
INSERT = """
INSERT INTO deployment
    (id, created_at_ms, revision, digest_kek_id, digest_wrapped_dek, digest_ciphertext)
VALUES (:id, :created_at_ms, 0, :digest_kek_id, :digest_wrapped_dek, :digest_ciphertext)
"""
UPDATE = """
UPDATE deployment SET digest_kek_id = :digest_kek_id, digest_wrapped_dek = :digest_wrapped_dek,
    digest_ciphertext = :digest_ciphertext
WHERE id = :id AND created_at_ms = :created_at_ms
"""
KEK_IDS = """
SELECT DISTINCT kek_id FROM llm_secrets
UNION SELECT digest_kek_id FROM deployment WHERE digest_kek_id IS NOT NULL
"""


class SqlReadDeployment:
    """The installation, to look at."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self) -> Deployment | None:
        """Find the one row; None before the first start has ended."""
        rows = await self._transaction.fetch(SELECT, {})
        if not rows:
            return None
        id_, created_at_ms, *sealed = rows[0]
        return Deployment(id_, created_at_ms, Sealed(*sealed) if sealed[0] is not None else None)

    async def kek_ids(self) -> frozenset[str]:
        """List the key-encryption keys that stored secrets need."""
        return frozenset(row[0] for row in await self._transaction.fetch(KEK_IDS, {}))


class SqlWriteDeployment(SqlReadDeployment):
    """The installation, to make and to complete."""

    async def add(self, deployment: Deployment) -> None:
        """Store the one row."""
        await self._transaction.execute(INSERT, _values(deployment))

    async def replace(self, deployment: Deployment) -> None:
        """Store the one row again."""
        await self._transaction.execute(UPDATE, _values(deployment))


def _values(deployment: Deployment) -> dict[str, Any]:
    sealed = deployment.digest_key
    return {
        "id": deployment.id,
        "created_at_ms": deployment.created_at_ms,
        "digest_kek_id": sealed.kek_id if sealed else None,
        "digest_wrapped_dek": sealed.wrapped_dek if sealed else None,
        "digest_ciphertext": sealed.ciphertext if sealed else None,
    }
