"""Organizations, principals and API keys in SQL."""

import msgspec

from dragoman.domain.principal import ApiKey, Organization, Principal, Role
from dragoman.storage.database import Row, Transaction

KEY_AND_PRINCIPAL = """
SELECT k.id, k.organization_id, k.principal_id, k.name, k.digest,
       k.created_at_ms, k.expires_at_ms, k.revoked_at_ms,
       p.id, p.organization_id, p.name, p.role, p.created_at_ms
FROM api_keys k JOIN principals p ON p.id = k.principal_id
"""
KEY_MEMBERS = len(ApiKey.__struct_fields__)

BY_DIGEST = KEY_AND_PRINCIPAL + "WHERE k.digest = :digest"
BY_ORGANIZATION = (
    KEY_AND_PRINCIPAL + "WHERE k.organization_id = :organization_id ORDER BY k.created_at_ms, k.id"
)
ORGANIZATION = "SELECT id, name, created_at_ms FROM organizations "

INSERT_ORGANIZATION = """
INSERT INTO organizations (id, name, created_at_ms) VALUES (:id, :name, :created_at_ms)
"""
INSERT_PRINCIPAL = """
INSERT INTO principals (id, organization_id, name, role, created_at_ms)
VALUES (:id, :organization_id, :name, :role, :created_at_ms)
"""
INSERT_KEY = """
INSERT INTO api_keys
    (id, organization_id, principal_id, name, digest, created_at_ms, expires_at_ms, revoked_at_ms)
VALUES
    (:id, :organization_id, :principal_id, :name, :digest, :created_at_ms, :expires_at_ms,
     :revoked_at_ms)
"""
REVOKE_KEY = """
UPDATE api_keys SET revoked_at_ms = :revoked_at_ms WHERE id = :id AND revoked_at_ms IS NULL
"""


class SqlReadPrincipals:
    """Organizations, principals and keys, to look at."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def by_digest(self, digest: bytes) -> tuple[ApiKey, Principal] | None:
        """Find the key of this digest, revoked or not, and its principal."""
        rows = await self._transaction.fetch(BY_DIGEST, {"digest": digest})
        return _key_and_principal(rows[0]) if rows else None

    async def organization_named(self, name: str) -> Organization | None:
        """Find an organization by its name."""
        rows = await self._transaction.fetch(ORGANIZATION + "WHERE name = :name", {"name": name})
        return Organization(*rows[0]) if rows else None

    async def organization(self, organization_id: str) -> Organization | None:
        """Find an organization by its id."""
        rows = await self._transaction.fetch(
            ORGANIZATION + "WHERE id = :id", {"id": organization_id}
        )
        return Organization(*rows[0]) if rows else None

    async def keys(self, organization_id: str) -> list[tuple[ApiKey, Principal]]:
        """List an organization's keys, oldest first."""
        rows = await self._transaction.fetch(BY_ORGANIZATION, {"organization_id": organization_id})
        return [_key_and_principal(row) for row in rows]


class SqlWritePrincipals(SqlReadPrincipals):
    """Organizations, principals and keys, to change."""

    async def add_organization(self, organization: Organization) -> None:
        """Store a new organization."""
        await self._transaction.execute(INSERT_ORGANIZATION, msgspec.structs.asdict(organization))

    async def add_principal(self, principal: Principal) -> None:
        """Store a new principal."""
        await self._transaction.execute(INSERT_PRINCIPAL, msgspec.structs.asdict(principal))

    async def add_key(self, key: ApiKey) -> None:
        """Store a new key."""
        await self._transaction.execute(INSERT_KEY, msgspec.structs.asdict(key))

    async def revoke_key(self, key: ApiKey, revoked_at_ms: int) -> None:
        """End a key; one that has ended stays as it is."""
        await self._transaction.execute(REVOKE_KEY, {"id": key.id, "revoked_at_ms": revoked_at_ms})


def _key_and_principal(row: Row) -> tuple[ApiKey, Principal]:
    principal_id, organization_id, name, role, created_at_ms = row[KEY_MEMBERS:]
    return (
        ApiKey(*row[:KEY_MEMBERS]),
        Principal(principal_id, organization_id, name, Role(role), created_at_ms),
    )
