"""A registry in memory: transactions, one writer at a time, numbered changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from dragoman.domain.audit import AuditEntry
from dragoman.domain.change import Change, Noun
from dragoman.domain.deployment import Deployment
from dragoman.domain.page import AUDIT_FILTERS, AuditQuery, Cursor, Page
from dragoman.domain.ports import Memory
from tests.fakes.grants import FakeReadGrants, FakeWriteGrants
from tests.fakes.llms import FakeReadLLMs, FakeWriteLLMs
from tests.fakes.principals import FakeReadPrincipals, FakeWritePrincipals
from tests.fakes.tables import Tables, one_page, refuse


class FakeReadDeployment:
    """The installation, to look at."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self) -> Deployment | None:
        return self._tables.deployment

    async def kek_ids(self) -> frozenset[str]:
        sealed = [header.sealed for llm in self._tables.llms.values() for header in llm.headers]
        credentials = [llm.credential for llm in self._tables.llms.values() if llm.credential]
        sealed += [each.sealed for each in credentials if each.sealed is not None]
        deployment = self._tables.deployment
        if deployment is not None and deployment.digest_key is not None:
            sealed.append(deployment.digest_key)
        return frozenset(each.kek_id for each in sealed)


class FakeWriteDeployment(FakeReadDeployment):
    """The installation, to make and to complete."""

    async def add(self, deployment: Deployment) -> None:
        is_there = self._tables.deployment is not None
        refuse(where=is_there, message="the installation is there already")
        self._tables.deployment = deployment

    async def replace(self, deployment: Deployment) -> None:
        current = self._tables.deployment
        if current is not None and current.id == deployment.id:
            self._tables.deployment = deployment


class FakeReadAudit:
    """What happened, to look at."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def page(self, organization_id: str, query: AuditQuery) -> Page[AuditEntry]:
        def is_asked_for(entry: AuditEntry) -> bool:
            return (
                entry.organization_id == organization_id
                and all(
                    getattr(entry, name) == query.equal[name]
                    for name in AUDIT_FILTERS
                    if name in query.equal
                )
                and (query.since_ms is None or entry.at_ms >= query.since_ms)
                and (query.until_ms is None or entry.at_ms < query.until_ms)
            )

        found = filter(is_asked_for, self._tables.audit)
        return one_page(found, query, lambda entry: Cursor(entry.at_ms, entry.id))


class FakeWriteAudit(FakeReadAudit):
    """Records what happens."""

    async def record(self, entry: AuditEntry) -> int:
        tables = self._tables
        there = {each.id for each in tables.audit}
        refuse(where=entry.id in there, message="the entry is there already")
        noun = Noun(entry.action.partition(".")[0])
        tables.revision += 1
        tables.audit.append(msgspec.structs.replace(entry, revision=tables.revision))
        change = Change(tables.revision, noun, entry.organization_id, entry.target_id)
        tables.changes.append(change)
        return tables.revision


class FakeReadWork:
    """A view of the registry; what it holds cannot write."""

    def __init__(self, tables: Tables) -> None:
        self.llms = FakeReadLLMs(tables)
        self.principals = FakeReadPrincipals(tables)
        self.deployment = FakeReadDeployment(tables)
        self.audit = FakeReadAudit(tables)
        self.grants = FakeReadGrants(tables)


class FakeWriteWork:
    """A change of the registry."""

    def __init__(self, tables: Tables) -> None:
        self.llms = FakeWriteLLMs(tables)
        self.principals = FakeWritePrincipals(tables)
        self.deployment = FakeWriteDeployment(tables)
        self.audit = FakeWriteAudit(tables)
        self.grants = FakeWriteGrants(tables)


class FakeStore:
    """The registry in memory. A block works on tables of its own, which it keeps or not."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._tables = Tables()
        self._turn = asyncio.Lock()
        self._memory = memory

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[FakeReadWork]:
        """Begin a view: what is committed now, whatever happens meanwhile."""
        yield FakeReadWork(self._tables)

    @asynccontextmanager
    async def writing(self, *, keep: bool = True) -> AsyncIterator[FakeWriteWork]:
        """Begin a change; without `keep` it is tried in full, and then undone."""
        async with self._turn:
            tables = self._tables.copied()
            yield FakeWriteWork(tables)
            if not keep:
                return
            self._tables = tables
        if self._memory is not None and tables.changes:
            self._memory.changed(tables.changes)
