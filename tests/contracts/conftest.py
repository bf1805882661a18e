"""A store with three organizations and two principals, on each engine in turn."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from dragoman.domain.change import Change
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.ports import Store
from dragoman.domain.principal import Organization, Principal, Role
from dragoman.storage import schema
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from tests.fakes.store import FakeStore
from tests.fakes.tables import Refused
from tests.storage.samples import DEPLOYMENT, ORGANIZATION, PRINCIPAL

OTHER = Organization("other", "other", 1_700_000_000_001)
PLATFORM = Organization(PLATFORM_ORGANIZATION_ID, "platform", 1_700_000_000_002)
COLLEAGUE = Principal("colleague", "org", "Bob", Role.ADMIN, 1_700_000_000_002)
STRANGER = Principal("stranger", "other", "Eve", Role.ADMIN, 1_700_000_000_003)


class Heard:
    """A memory that notes what it is told."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def changed(self, changes: Sequence[Change]) -> None:
        """Note what changed."""
        self.changes += changes

    def forget(self) -> None:
        """Never told by a store, which knows what it has done."""
        raise AssertionError("a store says what has changed")


class Engine(NamedTuple):
    """A store, and what there is to know about it in tests."""

    store: Store
    heard: Heard
    """What it has told its process of."""
    refusal: type[Exception]
    """What leaves a block that breaks a constraint."""


@asynccontextmanager
async def _fake(_request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    heard = Heard()
    yield Engine(FakeStore(heard), heard, Refused)


@asynccontextmanager
async def _sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    path = Path(request.getfixturevalue("tmp_path")) / "dragoman.db"
    schema.prepare(path)
    database, heard = SqliteDatabase(path), Heard()
    try:
        yield Engine(SqlStore(database, heard), heard, sqlite3.IntegrityError)
    finally:
        await database.close()


ENGINES: dict[str, Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Engine]]] = {
    "fake": _fake,
    "sqlite": _sqlite,
}
"""Every engine that there is; another one is another line."""


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """Open a store that holds who can own something."""
    async with ENGINES[request.param](request) as opened:
        async with opened.store.writing() as work:
            await work.deployment.add(DEPLOYMENT)
            for organization in (ORGANIZATION, OTHER, PLATFORM):
                await work.principals.add_organization(organization)
            for principal in (PRINCIPAL, COLLEAGUE, STRANGER):
                await work.principals.add_principal(principal)
        yield opened


@pytest.fixture
def store(engine: Engine) -> Store:
    """Give the store alone."""
    return engine.store
