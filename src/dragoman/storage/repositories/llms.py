"""LLMs in SQL."""

from typing import Any

import msgspec

from dragoman.domain.credential import Credential, CredentialKind, Placement, Sealed
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM
from dragoman.domain.page import LLMQuery, Page
from dragoman.domain.principal import Scope
from dragoman.storage.database import Row, Transaction

JSON_COLUMNS = ("endpoints", "tags", "metadata")
FLAG_COLUMNS = ("enabled", "is_default", "zero_data_retention")
CREDENTIAL_COLUMNS = (
    "credential_kind",
    "credential_header",
    "credential_prefix",
    "credential_generation",
    "kek_id",
    "wrapped_dek",
    "ciphertext",
)
COLUMNS = (
    "organization_id",
    "id",
    "owner_id",
    "display_name",
    "description",
    "protocol",
    "model",
    "deployment_name",
    "api_version",
    "temperature",
    "max_tokens",
    "reasoning_effort",
    "reasoning_format",
    *JSON_COLUMNS,
    *CREDENTIAL_COLUMNS,
    *FLAG_COLUMNS,
    "revision",
    "created_at_ms",
    "created_by",
    "updated_at_ms",
    "updated_by",
)
WRITTEN = (*COLUMNS, "search_text")
KEY = "organization_id = :organization_id AND id = :id"

SEARCH_SEPARATOR = "\x1f"
"""Stands between the searched texts; nobody searches for it."""

SELECT = f"SELECT {', '.join(COLUMNS)} FROM llms "
UNREAD_BY_CALLS = {"description": "NULL", "tags": "'[]'", "metadata": "'{}'"}
SELECT_FOR_CALLS = (
    f"SELECT {', '.join(UNREAD_BY_CALLS.get(name, name) for name in COLUMNS)} FROM llms "
)
"""What a call needs. Metadata may be large, and these rows are read by the thousand."""

INSERT = (
    f"INSERT INTO llms ({', '.join(WRITTEN)}) VALUES ({', '.join(f':{name}' for name in WRITTEN)})"
)
UPDATE = f"UPDATE llms SET {', '.join(f'{name} = :{name}' for name in WRITTEN[2:])} WHERE {KEY}"
DELETE = f"DELETE FROM llms WHERE {KEY}"

VISIBLE = (
    "((organization_id = :organization_id"
    " AND (CAST(:owner_id AS TEXT) IS NULL OR owner_id = :owner_id))"
    " OR organization_id = :platform_id) "
)
NEWEST_FIRST = "ORDER BY created_at_ms DESC, id DESC "
MATCHES = "AND search_text LIKE :pattern ESCAPE '\\' "


class SqlReadLLMs:
    """LLMs, to look at."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, scope: Scope, llm_id: str) -> LLM | None:
        """Find one by its id; an organization's own stands before the platform's."""
        found = await self._select(
            f"WHERE id = :id AND {VISIBLE}", {"id": llm_id, **_visible(scope)}
        )
        return min(found, key=lambda llm: llm.is_platform, default=None)

    async def named(self, scope: Scope, display_name: str, *, limit: int) -> list[LLM]:
        """Find up to `limit` of this display name, exactly as written, as far as calls need."""
        return await self._select(
            f"WHERE display_name = :display_name AND {VISIBLE}{NEWEST_FIRST}LIMIT :limit",
            {"display_name": display_name, "limit": limit, **_visible(scope)},
            SELECT_FOR_CALLS,
        )

    async def page(self, scope: Scope, query: LLMQuery) -> Page[LLM]:
        """List one page, and count the whole."""
        where = f"WHERE {VISIBLE}"
        parameters = _visible(scope, include_platform=query.include_platform)
        if query.search:
            where += MATCHES
            parameters["pattern"] = f"%{_literal(query.search.casefold())}%"
        counted = await self._transaction.fetch(f"SELECT COUNT(*) FROM llms {where}", parameters)
        items = await self._select(
            f"{where}{NEWEST_FIRST}LIMIT :limit OFFSET :offset",
            {**parameters, "limit": query.limit, "offset": query.offset},
        )
        return Page(tuple(items), counted[0][0])

    async def all(self, scope: Scope, *, limit: int) -> list[LLM]:
        """List up to `limit`, newest first, as far as calls need."""
        return await self._select(
            f"WHERE {VISIBLE}{NEWEST_FIRST}LIMIT :limit",
            {"limit": limit, **_visible(scope)},
            SELECT_FOR_CALLS,
        )

    async def _select(
        self, clauses: str, parameters: dict[str, Any], select: str = SELECT
    ) -> list[LLM]:
        rows = await self._transaction.fetch(select + clauses, parameters)
        return [_llm(row) for row in rows]


class SqlWriteLLMs(SqlReadLLMs):
    """LLMs, to change."""

    async def add(self, llm: LLM) -> None:
        """Store a new one."""
        await self._transaction.execute(INSERT, _values(llm))

    async def replace(self, llm: LLM) -> None:
        """Store a changed one."""
        await self._transaction.execute(UPDATE, _values(llm))

    async def remove(self, llm: LLM) -> None:
        """Forget one, its credential included."""
        await self._transaction.execute(
            DELETE, {"organization_id": llm.organization_id, "id": llm.id}
        )


def _literal(text: str) -> str:
    """Write a text so that LIKE takes each of its characters as itself."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _visible(scope: Scope, *, include_platform: bool = True) -> dict[str, Any]:
    return {
        "organization_id": scope.organization_id,
        "owner_id": scope.owner_id,
        "platform_id": PLATFORM_ORGANIZATION_ID if include_platform else None,
    }


def _values(llm: LLM) -> dict[str, Any]:
    configuration = msgspec.structs.asdict(llm.configuration)
    for name in JSON_COLUMNS:
        configuration[name] = msgspec.json.encode(configuration[name]).decode()
    found_by = (configuration["display_name"], configuration["description"], configuration["model"])
    values = (
        msgspec.structs.asdict(llm)
        | configuration
        | _credential_values(llm.credential)
        | {"search_text": SEARCH_SEPARATOR.join(text for text in found_by if text).casefold()}
    )
    return {name: values[name] for name in WRITTEN}


def _credential_values(credential: Credential | None) -> dict[str, Any]:
    if credential is None:
        return dict.fromkeys(CREDENTIAL_COLUMNS)
    return {
        "credential_kind": credential.kind,
        "credential_header": credential.placement.header,
        "credential_prefix": credential.placement.prefix,
        "credential_generation": credential.generation,
        "kek_id": credential.sealed.kek_id,
        "wrapped_dek": credential.sealed.wrapped_dek,
        "ciphertext": credential.sealed.ciphertext,
    }


def _llm(row: Row) -> LLM:
    values = dict(zip(COLUMNS, row, strict=True))
    for name in JSON_COLUMNS:
        values[name] = msgspec.json.decode(values[name])
    for name in FLAG_COLUMNS:
        values[name] = bool(values[name])
    parts = {"configuration": values, "credential": _credential(values)}
    return msgspec.convert(values | parts, LLM)


def _credential(values: dict[str, Any]) -> Credential | None:
    if values["credential_kind"] is None:
        return None
    return Credential(
        CredentialKind(values["credential_kind"]),
        Placement(values["credential_header"], values["credential_prefix"]),
        values["credential_generation"],
        Sealed(values["kek_id"], values["wrapped_dek"], values["ciphertext"]),
    )
