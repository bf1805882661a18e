"""What an operator's commands read across all organizations. No request of a caller comes here."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dragoman.authz.policy import Administration
from dragoman.domain.deployment import Deployment
from dragoman.domain.grant import Grant
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM
from dragoman.domain.principal import Role
from dragoman.storage.database import Transaction
from dragoman.storage.repositories.deployment import SqlReadDeployment
from dragoman.storage.repositories.grants import SqlReadGrants
from dragoman.storage.repositories.llms import SELECT, SqlReadLLMs

LLMS_AT_ONCE = 200

AFTER = "(organization_id, id) > (:organization_id, :id)"
COUNT = "SELECT COUNT(*) FROM llms"
NEWEST = "SELECT MAX(at_ms) FROM audit"
ACTIVE = "k.revoked_at_ms IS NULL AND (k.expires_at_ms IS NULL OR k.expires_at_ms > :now_ms)"
ENDING = f"""
SELECT k.name, o.name, k.expires_at_ms FROM api_keys k
JOIN organizations o ON o.id = k.organization_id
WHERE {ACTIVE} AND k.expires_at_ms <= :until_ms ORDER BY k.expires_at_ms, k.id
"""
WITHOUT_ADMIN = f"""
SELECT o.name FROM organizations o WHERE o.id <> :platform_id AND NOT EXISTS (
    SELECT 1 FROM api_keys k JOIN principals p ON p.id = k.principal_id
    WHERE k.organization_id = o.id AND p.role = :admin AND {ACTIVE}
    AND (k.permissions IS NULL OR k.permissions LIKE :administers)
) ORDER BY o.name
"""


class Survey:
    """Reads of the whole installation, each in a transaction that `read` begins."""

    def __init__(self, read: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        self._read = read

    async def deployment(self) -> Deployment | None:
        """Find the installation's own row."""
        async with self._read() as transaction:
            return await SqlReadDeployment(transaction).get()

    async def kek_ids(self) -> frozenset[str]:
        """List the key-encryption keys that stored secrets need."""
        async with self._read() as transaction:
            return await SqlReadDeployment(transaction).kek_ids()

    async def count_llms(self) -> int:
        """Count all LLMs."""
        return int((await self._fetch(COUNT))[0][0])

    def all_llms(self) -> AsyncIterator[LLM]:
        """Give every LLM with its secrets, in the order of their keys."""
        return self._llms(AFTER)

    def borrowers(self) -> AsyncIterator[LLM]:
        """Give every LLM whose secret the operator holds, in the order of their keys."""
        return self._llms(f"{AFTER} AND credential_held IS NOT NULL")

    async def _llms(self, condition: str) -> AsyncIterator[LLM]:
        after = ("", "")
        while True:
            async with self._read() as transaction:
                llms = await _EveryLLM(transaction).where(condition, *after)
            for llm in llms:
                yield llm
            if len(llms) < LLMS_AT_ONCE:
                return
            after = (llms[-1].organization_id, llms[-1].id)

    async def grants(self) -> list[Grant]:
        """List all grants."""
        async with self._read() as transaction:
            return await SqlReadGrants(transaction).all()

    async def newest_audit_ms(self) -> int | None:
        """Tell when the newest entry of the audit trail was made [ms since 1970]."""
        newest: int | None = (await self._fetch(NEWEST))[0][0]
        return newest

    async def keys_ending(self, now_ms: int, until_ms: int) -> list[tuple[str, str, int]]:
        """List the active API keys that end until then: name, organization's name, time [ms]."""
        rows = await self._fetch(ENDING, now_ms=now_ms, until_ms=until_ms)
        return [(name, organization, at_ms) for name, organization, at_ms in rows]

    async def organizations_without_admin(self, now_ms: int) -> list[str]:
        """List the names of tenants that have no active API key which administers them."""
        rows = await self._fetch(
            WITHOUT_ADMIN,
            now_ms=now_ms,
            platform_id=PLATFORM_ORGANIZATION_ID,
            admin=Role.ADMIN.value,
            administers=f'%"{Administration.ORGANIZATION}"%',
        )
        return [name for (name,) in rows]

    async def _fetch(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        async with self._read() as transaction:
            return await transaction.fetch(sql, parameters)


class _EveryLLM(SqlReadLLMs):
    """LLMs of whatever organization."""

    async def where(self, condition: str, organization_id: str, llm_id: str) -> list[LLM]:
        return await self._select(
            f"{SELECT}WHERE {condition} ORDER BY organization_id, id LIMIT :limit",
            {"organization_id": organization_id, "id": llm_id, "limit": LLMS_AT_ONCE},
        )


def damages(path: Path) -> list[str]:
    """Say what SQLite finds wrong inside a file; nothing where it is whole. May take a while."""
    try:
        uri = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    except sqlite3.Error as error:
        return [str(error)]
    return [] if found == ["ok"] else found
