"""The audit trail in SQL."""

from collections.abc import Iterator
from typing import Any

import msgspec

from dragoman.domain.audit import AuditEntry
from dragoman.domain.change import Change, Noun
from dragoman.domain.page import AUDIT_FILTERS, AuditQuery, Cursor, Page
from dragoman.storage.database import Row, Transaction
from dragoman.storage.repositories.paging import beginning, one_page

COLUMNS = AuditEntry.__struct_fields__
SELECT = f"SELECT {', '.join(COLUMNS)} FROM audit WHERE "
INSERT = (
    f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{name}' for name in COLUMNS)})"
)
NEXT_REVISION = "UPDATE deployment SET revision = revision + 1"
REVISION = "SELECT revision FROM deployment"
NEWEST_FIRST = " ORDER BY at_ms DESC, id DESC LIMIT :limit"


class SqlReadAudit:
    """What happened, to look at."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def page(self, organization_id: str, query: AuditQuery) -> Page[AuditEntry]:
        """List one page of an organization's entries."""
        parameters: dict[str, Any] = {"organization_id": organization_id}
        conditions = ["organization_id = :organization_id", *_conditions(query, parameters)]
        conditions += beginning(query, parameters, at="at_ms")
        sql = f"{SELECT}{' AND '.join(conditions)}{NEWEST_FIRST}"
        rows = await self._transaction.fetch(sql, parameters)
        return one_page([_entry(row) for row in rows], query, lambda e: Cursor(e.at_ms, e.id))


class SqlWriteAudit(SqlReadAudit):
    """Records what happens."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.changes: list[Change] = []
        """What this transaction has recorded so far."""

    async def record(self, entry: AuditEntry) -> int:
        """Add an entry for one change, and give the number that the registry gives it.

        There is one writer at a time, so nobody comes between taking the number and keeping it.
        """
        await self._transaction.execute(NEXT_REVISION, {})
        revision = int((await self._transaction.fetch(REVISION, {}))[0][0])
        values = msgspec.structs.asdict(entry) | {"revision": revision}
        values["members"] = msgspec.json.encode(entry.members).decode()
        await self._transaction.execute(INSERT, values)
        noun = Noun(entry.action.partition(".")[0])
        self.changes.append(Change(revision, noun, entry.organization_id, entry.target_id))
        return revision


def _conditions(query: AuditQuery, parameters: dict[str, Any]) -> Iterator[str]:
    """Write a query's conditions, and put their values among the parameters."""
    for name in AUDIT_FILTERS:
        if name in query.equal:
            parameters[name] = query.equal[name]
            yield f"{name} = :{name}"
    for name, condition in (("since_ms", "at_ms >= :since_ms"), ("until_ms", "at_ms < :until_ms")):
        if getattr(query, name) is not None:
            parameters[name] = getattr(query, name)
            yield condition


def _entry(row: Row) -> AuditEntry:
    values = dict(zip(COLUMNS, row, strict=True))
    values["members"] = msgspec.json.decode(values["members"])
    return msgspec.convert(values, AuditEntry)
