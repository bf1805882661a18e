"""Grants in SQL."""

from typing import Any

import msgspec

from dragoman.domain.grant import Grant
from dragoman.storage.database import Row, Transaction

COLUMNS = ("id", "organization_id", "secret", "origins", "created_at_ms")
SELECT = f"SELECT {', '.join(COLUMNS)} FROM grants "
OF_ORGANIZATION = "WHERE organization_id = :organization_id "
OLDEST_FIRST = "ORDER BY created_at_ms, id"
VALUES = ", ".join(f":{name}" for name in COLUMNS)
INSERT = f"INSERT INTO grants ({', '.join(COLUMNS)}) VALUES ({VALUES})"
DELETE = "DELETE FROM grants WHERE id = :id"


class SqlReadGrants:
    """Grants, to look at."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def of(self, organization_id: str) -> list[Grant]:
        """List what one organization may use."""
        return await self._select(OF_ORGANIZATION, organization_id=organization_id)

    async def all(self) -> list[Grant]:
        """List all there are."""
        return await self._select()

    async def _select(self, condition: str = "", **parameters: Any) -> list[Grant]:
        sql = SELECT + condition + OLDEST_FIRST
        return [_grant(row) for row in await self._transaction.fetch(sql, parameters)]


class SqlWriteGrants(SqlReadGrants):
    """Grants, to give and to take."""

    async def add(self, grant: Grant) -> None:
        """Store a new one."""
        values = msgspec.structs.asdict(grant)
        values["origins"] = msgspec.json.encode(grant.origins).decode()
        await self._transaction.execute(INSERT, values)

    async def remove(self, grant: Grant) -> None:
        """Forget one."""
        await self._transaction.execute(DELETE, {"id": grant.id})


def _grant(row: Row) -> Grant:
    values = dict(zip(COLUMNS, row, strict=True))
    values["origins"] = msgspec.json.decode(values["origins"])
    return msgspec.convert(values, Grant)
