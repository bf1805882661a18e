"""The audit trail in SQL."""

import msgspec

from dragoman.domain.audit import AuditEntry
from dragoman.storage.database import Transaction

INSERT = """
INSERT INTO audit
    (id, at_ms, organization_id, actor_id, key_id, action, target_id, members, request_id, revision)
SELECT :id, :at_ms, :organization_id, :actor_id, :key_id, :action, :target_id, :members,
    :request_id, COALESCE(MAX(revision), 0) + 1 FROM audit
"""
NUMBER = "UPDATE deployment SET revision = (SELECT MAX(revision) FROM audit)"


class SqlAudit:
    """Records what happened."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def record(self, entry: AuditEntry) -> None:
        """Add one entry."""
        values = msgspec.structs.asdict(entry)
        values["members"] = msgspec.json.encode(entry.members).decode()
        await self._transaction.execute(INSERT, values)
        await self._transaction.execute(NUMBER, {})
