"""Organizations, principals and API keys in SQL."""

from typing import Any, TypeVar

import msgspec

from dragoman.domain.page import Cursor, Page, PageQuery
from dragoman.domain.principal import ApiKey, Organization, Principal, Role
from dragoman.storage.database import Row, Transaction
from dragoman.storage.repositories.paging import NEWEST_FIRST, beginning, one_page

T = TypeVar("T")

KEY_COLUMNS = ApiKey.__struct_fields__
PRINCIPAL_COLUMNS = Principal.__struct_fields__

ORGANIZATION = "SELECT id, name, created_at_ms FROM organizations "
PRINCIPAL = f"SELECT {', '.join(PRINCIPAL_COLUMNS)} FROM principals "
KEY_AND_PRINCIPAL = (
    f"SELECT {', '.join(f'k.{name}' for name in KEY_COLUMNS)}, "
    f"{', '.join(f'p.{name}' for name in PRINCIPAL_COLUMNS)} "
    "FROM api_keys k JOIN principals p ON p.id = k.principal_id "
)

NEWEST_KEYS_FIRST = "ORDER BY k.created_at_ms DESC, k.id DESC"

INSERT_ORGANIZATION = """
INSERT INTO organizations (id, name, created_at_ms) VALUES (:id, :name, :created_at_ms)
"""
UPDATE_ORGANIZATION = "UPDATE organizations SET name = :name WHERE id = :id"
INSERT_PRINCIPAL = """
INSERT INTO principals (id, organization_id, name, role, created_at_ms)
VALUES (:id, :organization_id, :name, :role, :created_at_ms)
"""
UPDATE_PRINCIPAL = """
UPDATE principals SET name = :name, role = :role
WHERE organization_id = :organization_id AND id = :id
"""
DELETE_KEYS = "DELETE FROM api_keys WHERE principal_id = :id"
DELETE_PRINCIPAL = "DELETE FROM principals WHERE id = :id"
OWNED = """
SELECT 1 FROM llms WHERE organization_id = :organization_id AND owner_id = :owner_id LIMIT 1
"""
INSERT_KEY = (
    f"INSERT INTO api_keys ({', '.join(KEY_COLUMNS)})"
    f" VALUES ({', '.join(f':{name}' for name in KEY_COLUMNS)})"
)
REVOKE_KEY = """
UPDATE api_keys SET revoked_at_ms = :revoked_at_ms WHERE id = :id AND revoked_at_ms IS NULL
"""


class SqlReadPrincipals:
    """Organizations, principals and keys, to look at."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def by_digest(self, digest: bytes) -> tuple[ApiKey, Principal] | None:
        """Find the key of this digest, revoked or not, and its principal."""
        rows = await self._keys("WHERE k.digest = :digest", {"digest": digest})
        return rows[0] if rows else None

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

    async def organizations(self, query: PageQuery) -> Page[Organization]:
        """List all organizations."""
        parameters: dict[str, Any] = {}
        conditions = beginning(query, parameters)
        where = f"WHERE {conditions[0]}" if conditions else ""
        rows = await self._transaction.fetch(
            f"{ORGANIZATION}{where}{NEWEST_FIRST}LIMIT :limit", parameters
        )
        return one_page(
            [Organization(*row) for row in rows], query, lambda o: Cursor(o.created_at_ms, o.id)
        )

    async def principal(self, organization_id: str, principal_id: str) -> Principal | None:
        """Find one of an organization's principals."""
        rows = await self._transaction.fetch(
            PRINCIPAL + "WHERE organization_id = :organization_id AND id = :id",
            {"organization_id": organization_id, "id": principal_id},
        )
        return _principal(rows[0]) if rows else None

    async def principals(self, organization_id: str, query: PageQuery) -> Page[Principal]:
        """List an organization's principals."""
        parameters: dict[str, Any] = {"organization_id": organization_id}
        conditions = ["organization_id = :organization_id", *beginning(query, parameters)]
        rows = await self._transaction.fetch(
            f"{PRINCIPAL}WHERE {' AND '.join(conditions)}{NEWEST_FIRST}LIMIT :limit", parameters
        )
        return one_page(
            [_principal(row) for row in rows], query, lambda p: Cursor(p.created_at_ms, p.id)
        )

    async def key(self, organization_id: str, key_id: str) -> tuple[ApiKey, Principal] | None:
        """Find one of an organization's keys, ended or not."""
        rows = await self._keys(
            "WHERE k.organization_id = :organization_id AND k.id = :id",
            {"organization_id": organization_id, "id": key_id},
        )
        return rows[0] if rows else None

    async def keys(self, organization_id: str, query: PageQuery) -> Page[tuple[ApiKey, Principal]]:
        """List an organization's keys, ended ones too."""
        parameters: dict[str, Any] = {"organization_id": organization_id}
        conditions = ["k.organization_id = :organization_id"]
        conditions += beginning(query, parameters, "k.created_at_ms", "k.id")
        clauses = f"WHERE {' AND '.join(conditions)} {NEWEST_KEYS_FIRST} LIMIT :limit"
        rows = await self._keys(clauses, parameters)
        return one_page(rows, query, lambda row: Cursor(row[0].created_at_ms, row[0].id))

    async def keys_named(self, organization_id: str, name: str) -> list[ApiKey]:
        """Find an organization's keys of one name, ended ones too."""
        rows = await self._keys(
            "WHERE k.organization_id = :organization_id AND k.name = :name",
            {"organization_id": organization_id, "name": name},
        )
        return [key for key, _ in rows]

    async def _keys(
        self, clauses: str, parameters: dict[str, Any]
    ) -> list[tuple[ApiKey, Principal]]:
        rows = await self._transaction.fetch(KEY_AND_PRINCIPAL + clauses, parameters)
        return [_key_and_principal(row) for row in rows]


class SqlWritePrincipals(SqlReadPrincipals):
    """Organizations, principals and keys, to change."""

    async def add_organization(self, organization: Organization) -> None:
        """Store a new organization."""
        await self._transaction.execute(INSERT_ORGANIZATION, msgspec.structs.asdict(organization))

    async def replace_organization(self, organization: Organization) -> None:
        """Store a renamed organization."""
        await self._transaction.execute(UPDATE_ORGANIZATION, msgspec.structs.asdict(organization))

    async def add_principal(self, principal: Principal) -> None:
        """Store a new principal."""
        await self._transaction.execute(INSERT_PRINCIPAL, msgspec.structs.asdict(principal))

    async def replace_principal(self, principal: Principal) -> None:
        """Store a changed principal."""
        await self._transaction.execute(UPDATE_PRINCIPAL, msgspec.structs.asdict(principal))

    async def remove_principal(self, principal: Principal) -> None:
        """Forget a principal and its keys."""
        await self._transaction.execute(DELETE_KEYS, {"id": principal.id})
        await self._transaction.execute(DELETE_PRINCIPAL, {"id": principal.id})

    async def owns_llms(self, principal: Principal) -> bool:
        """Tell whether any LLM belongs to this principal."""
        rows = await self._transaction.fetch(
            OWNED, {"organization_id": principal.organization_id, "owner_id": principal.id}
        )
        return bool(rows)

    async def add_key(self, key: ApiKey) -> None:
        """Store a new key."""
        values = msgspec.structs.asdict(key)
        if key.permissions is not None:
            values["permissions"] = msgspec.json.encode(key.permissions).decode()
        await self._transaction.execute(INSERT_KEY, values)

    async def revoke_key(self, key: ApiKey, revoked_at_ms: int) -> None:
        """End a key; one that has ended stays as it is."""
        await self._transaction.execute(REVOKE_KEY, {"id": key.id, "revoked_at_ms": revoked_at_ms})


def _principal(row: Row) -> Principal:
    id_, organization_id, name, role, created_at_ms = row
    return Principal(id_, organization_id, name, Role(role), created_at_ms)


def _key_and_principal(row: Row) -> tuple[ApiKey, Principal]:
    values = dict(zip(KEY_COLUMNS, row, strict=False))
    if values["permissions"] is not None:
        values["permissions"] = msgspec.json.decode(values["permissions"])
    return msgspec.convert(values, ApiKey), _principal(row[len(KEY_COLUMNS) :])
