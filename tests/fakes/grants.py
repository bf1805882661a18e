"""Grants in memory."""

from dragoman.domain.grant import Grant
from tests.fakes.tables import Tables, refuse


class FakeReadGrants:
    """Grants, to look at."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def of(self, organization_id: str) -> list[Grant]:
        return [grant for grant in await self.all() if grant.organization_id == organization_id]

    async def all(self) -> list[Grant]:
        grants = self._tables.grants.values()
        return sorted(grants, key=lambda grant: (grant.created_at_ms, grant.id))


class FakeWriteGrants(FakeReadGrants):
    """Grants, to give and to take."""

    async def add(self, grant: Grant) -> None:
        refuse(where=grant.id in self._tables.grants, message="there is a grant of this id")
        is_unknown = grant.organization_id not in self._tables.organizations
        refuse(where=is_unknown, message="there is no such organization")
        self._tables.grants[grant.id] = grant

    async def remove(self, grant: Grant) -> None:
        self._tables.grants.pop(grant.id, None)
