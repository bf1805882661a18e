"""LLMs in SQL."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.labels import Operator, Requirement
from dragoman.domain.llm import LLM
from dragoman.domain.page import LLM_FILTERS, Cursor, LLMQuery, Page
from dragoman.domain.principal import Scope
from dragoman.storage.database import Row, Transaction
from dragoman.storage.repositories import llm_rows
from dragoman.storage.repositories.llm_rows import COLUMNS, SECRET_COLUMNS, WRITTEN
from dragoman.storage.repositories.paging import NEWEST_FIRST, beginning, containing, one_page

KEY = "organization_id = :organization_id AND id = :id"

SELECT = f"SELECT {', '.join(COLUMNS)} FROM llms "
UNREAD_BY_CALLS = {
    "description": "NULL",
    "tags": "'[]'",
    "metadata": "'{}'",
    "credential_held": "NULL",
}
SELECT_FOR_CALLS = (
    f"SELECT {', '.join(UNREAD_BY_CALLS.get(name, name) for name in COLUMNS)} FROM llms "
)
"""What a call needs. Metadata may be large, and these rows are read by the thousand."""

SELECT_KEYS = "SELECT organization_id, id, created_at_ms FROM llms "
SELECT_OF_KEYS = f"{SELECT}WHERE (organization_id, id) IN (SELECT organization_id, id FROM "
"""Whole rows are read for the page alone, and not for all that stand before it."""

INSERT = (
    f"INSERT INTO llms ({', '.join(WRITTEN)}) VALUES ({', '.join(f':{name}' for name in WRITTEN)})"
)
UPDATE = f"UPDATE llms SET {', '.join(f'{name} = :{name}' for name in WRITTEN[2:])} WHERE {KEY}"
DELETE = f"DELETE FROM llms WHERE {KEY}"

OF_LLM = "organization_id = :organization_id AND llm_id = :id"
SELECT_SECRETS = f"SELECT {', '.join(SECRET_COLUMNS)} FROM llm_secrets WHERE "
INSERT_SECRET = (
    f"INSERT INTO llm_secrets ({', '.join(SECRET_COLUMNS)})"
    f" VALUES ({', '.join(f':{name}' for name in SECRET_COLUMNS)})"
)
DELETE_SECRETS = f"DELETE FROM llm_secrets WHERE {OF_LLM}"
INSERT_LABEL = """
INSERT INTO llm_labels (organization_id, llm_id, key, value)
VALUES (:organization_id, :id, :key, :value)
"""
DELETE_LABELS = f"DELETE FROM llm_labels WHERE {OF_LLM}"

CONNECTED = "WHERE organization_id = :organization_id AND connection_key = :connection_key"
BEARERS = """
SELECT id FROM llms WHERE organization_id = :organization_id AND display_name = :display_name
"""
BORROWERS = "WHERE organization_id = :organization_id AND credential_held IS NOT NULL"
UNFINGERPRINTED = "WHERE connection_key IS NULL LIMIT :limit"

OWN = "organization_id = :organization_id"
PLATFORM = "organization_id = :platform_id"
HAS_LABEL = (
    "EXISTS (SELECT 1 FROM llm_labels l WHERE l.organization_id = llms.organization_id"
    " AND l.llm_id = llms.id AND l.key = "
)


class SqlReadLLMs:
    """LLMs, to look at."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, scope: Scope, llm_id: str) -> LLM | None:
        """Find one by its id; an organization's own stands before the platform's."""
        parameters = {"id": llm_id}
        found = await self._select(
            _united(SELECT, _visible(scope, parameters), "id = :id"), parameters
        )
        return min(found, key=lambda llm: llm.is_platform, default=None)

    async def named(self, scope: Scope, display_name: str, *, limit: int) -> list[LLM]:
        """Find up to `limit` of this display name, exactly as written, as far as calls need."""
        parameters: dict[str, Any] = {"display_name": display_name, "limit": limit}
        # Not sorted by SQL: that would read along the index of times, and not that of names.
        named = _united(
            SELECT_FOR_CALLS, _visible(scope, parameters), "display_name = :display_name"
        )
        rows = await self._transaction.fetch(f"{named} LIMIT :limit", parameters)
        return sorted((llm_rows.llm(row) for row in rows), key=_cursor, reverse=True)

    async def all(self, scope: Scope, *, limit: int) -> list[LLM]:
        """List up to `limit`, newest first, as far as calls need."""
        parameters: dict[str, Any] = {"limit": limit}
        end = f"{NEWEST_FIRST}LIMIT :limit"
        newest = _united(SELECT_FOR_CALLS, _visible(scope, parameters), end=end)
        rows = await self._transaction.fetch(newest + end, parameters)
        return [llm_rows.llm(row) for row in rows]

    async def page(self, scope: Scope, query: LLMQuery) -> Page[LLM]:
        """List one page, and count the whole where that is asked for."""
        parameters: dict[str, Any] = {}
        visible = _visible(scope, parameters, include_platform=query.include_platform)
        conditions = [*_conditions(query, parameters)]
        total = None
        if query.counted:
            counts = _united("SELECT COUNT(*) FROM llms ", visible, *conditions)
            total = sum(row[0] for row in await self._transaction.fetch(counts, parameters))
        conditions += beginning(query, parameters)
        parameters |= {"offset": query.offset, "up_to": query.offset + parameters["limit"]}
        keys = _united(SELECT_KEYS, visible, *conditions, end=f"{NEWEST_FIRST}LIMIT :up_to")
        keys += f"{NEWEST_FIRST}LIMIT :limit OFFSET :offset"
        items = await self._select(f"{SELECT_OF_KEYS}({keys}) AS page){NEWEST_FIRST}", parameters)
        return one_page(items, query, _cursor, total)

    async def _select(self, sql: str, parameters: dict[str, Any]) -> list[LLM]:
        rows = await self._transaction.fetch(sql, parameters)
        secrets = await self._secrets(rows)
        return [llm_rows.llm(row, secrets[row[0], row[1]]) for row in rows]

    async def _secrets(self, rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
        """Read the sealed secrets of some LLMs, by organization and id; in the order of fields."""
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        parameters = {f"id{number}": row[1] for number, row in enumerate(rows)}
        if parameters:
            ids = f"llm_id IN ({', '.join(f':{name}' for name in parameters)})"
            organizations = sorted({row[0] for row in rows})
            of = {f"of{number}": organization for number, organization in enumerate(organizations)}
            within = f"organization_id IN ({', '.join(f':{name}' for name in of)})"
            sql = f"{SELECT_SECRETS}{within} AND {ids} ORDER BY field"
            for row in await self._transaction.fetch(sql, parameters | of):
                found[row[0], row[1]].append(row)
        return found


class SqlWriteLLMs(SqlReadLLMs):
    """LLMs, to change."""

    async def add(self, llm: LLM) -> None:
        """Store a new one."""
        await self._transaction.execute(INSERT, llm_rows.values(llm))
        await self._add_parts(llm)

    async def replace(self, llm: LLM) -> None:
        """Store a changed one."""
        await self._transaction.execute(UPDATE, llm_rows.values(llm))
        await self._transaction.execute(DELETE_SECRETS, _key(llm))
        await self._transaction.execute(DELETE_LABELS, _key(llm))
        await self._add_parts(llm)

    async def remove(self, llm: LLM) -> None:
        """Forget one, its secrets included."""
        await self._transaction.execute(DELETE_SECRETS, _key(llm))
        await self._transaction.execute(DELETE_LABELS, _key(llm))
        await self._transaction.execute(DELETE, _key(llm))

    async def connected(self, organization_id: str, connection_key: bytes) -> list[LLM]:
        """Find the LLMs of one organization that have this connection key."""
        return await self._select(
            SELECT + CONNECTED,
            {"organization_id": organization_id, "connection_key": connection_key},
        )

    async def bearers(self, organization_id: str, display_name: str) -> list[str]:
        """Find the ids of one organization's LLMs that have this name."""
        rows = await self._transaction.fetch(
            BEARERS, {"organization_id": organization_id, "display_name": display_name}
        )
        return [row[0] for row in rows]

    async def borrowers(self, organization_id: str) -> list[LLM]:
        """Find the LLMs of one organization whose secret the operator holds."""
        parameters = {"organization_id": organization_id}
        rows = await self._transaction.fetch(SELECT + BORROWERS, parameters)
        return [llm_rows.llm(row) for row in rows]

    async def unfingerprinted(self, *, limit: int) -> list[LLM]:
        """Find LLMs, of whatever organization, that have no connection key yet."""
        return await self._select(SELECT + UNFINGERPRINTED, {"limit": limit})

    async def _add_parts(self, llm: LLM) -> None:
        for secret in llm_rows.secrets(llm):
            await self._transaction.execute(INSERT_SECRET, secret)
        for key, value in llm.configuration.labels.items():
            await self._transaction.execute(INSERT_LABEL, _key(llm) | {"key": key, "value": value})


def _key(llm: LLM) -> dict[str, Any]:
    return {"organization_id": llm.organization_id, "id": llm.id}


def _cursor(llm: LLM) -> Cursor:
    return Cursor(llm.created_at_ms, llm.id)


def _visible(
    scope: Scope, parameters: dict[str, Any], *, include_platform: bool = True
) -> list[str]:
    """Write one condition for each organization that is seen, and add their values."""
    parameters["organization_id"] = scope.organization_id
    own = OWN
    if scope.owner_id is not None:
        parameters["owner_id"] = scope.owner_id
        own += " AND owner_id = :owner_id"
    if not include_platform or scope.organization_id == PLATFORM_ORGANIZATION_ID:
        return [own]
    parameters["platform_id"] = PLATFORM_ORGANIZATION_ID
    return [own, PLATFORM]


def _united(select: str, visible: Sequence[str], *conditions: str, end: str = "") -> str:
    """Write one query over all that is seen.

    Each organization is read by itself, along an index; under one OR they would be sorted whole.
    """
    parts = (f"{select}WHERE {' AND '.join([each, *conditions])}{end}" for each in visible)
    return " UNION ALL ".join(f"SELECT * FROM ({part}) AS part" for part in parts)


def _conditions(query: LLMQuery, parameters: dict[str, Any]) -> Iterator[str]:
    """Write a query's conditions, and put their values among the parameters."""
    for name in LLM_FILTERS:
        if name in query.equal:
            parameters[f"is_{name}"] = query.equal[name]
            yield f"{name} = :is_{name}"
    if query.providers:
        yield _provider_condition(query.providers, parameters)
    if query.search:
        parameters["text"] = containing(query.search.casefold())
        yield "search_text LIKE :text ESCAPE '!'"
    for number, requirement in enumerate(query.labels):
        yield _label_condition(requirement, f"label{number}", parameters)


def _provider_condition(providers: Sequence[str | None], parameters: dict[str, Any]) -> str:
    named = {f"provider{number}": name for number, name in enumerate(providers) if name is not None}
    parameters |= named
    conditions = [f"provider = :{name}" for name in named]
    if None in providers:
        conditions.append("provider IS NULL")
    return f"({' OR '.join(conditions)})"


def _label_condition(requirement: Requirement, name: str, parameters: dict[str, Any]) -> str:
    parameters[name] = requirement.key
    condition = f"{HAS_LABEL}:{name}"
    if requirement.values:
        names = {f"{name}_{at}": value for at, value in enumerate(requirement.values)}
        parameters |= names
        condition += f" AND l.value IN ({', '.join(f':{each}' for each in names)})"
    is_wanted = requirement.operator in {Operator.IN, Operator.EXISTS}
    return f"{'' if is_wanted else 'NOT '}{condition})"
