"""The audit trail in SQL."""

import msgspec

from dragoman.domain.audit import AuditEntry
from dragoman.storage.sqlite import Transaction

INSERT = """
INSERT INTO audit
    (id, at_ms, organization_id, actor_id, key_id, action, target_id, members, request_id)
VALUES
    (:id, :at_ms, :organization_id, :actor_id, :key_id, :action, :target_id, :members, :request_id)
"""


class SqlAudit:
    """Records what happened."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def record(self, entry: AuditEntry) -> None:
        """Add one entry."""
        values = msgspec.structs.asdict(entry)
        values["members"] = msgspec.json.encode(entry.members).decode()
        await self._transaction.execute(INSERT, values)
