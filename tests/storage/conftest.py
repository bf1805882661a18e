"""What the tests of storage share: a database with its schema, open; on each engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dragoman.storage import schema
from dragoman.storage.database import Database, Location, PostgresUrl
from dragoman.storage.engines import open_database
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from tests.postgres import PostgresServer
from tests.storage.samples import ORGANIZATION


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make an empty SQLite database with our schema."""
    file = tmp_path / "dragoman.db"
    schema.prepare(file)
    return file


@pytest.fixture
def url(postgres: PostgresServer) -> PostgresUrl:
    """Make an empty PostgreSQL database with our schema."""
    return PostgresUrl(postgres.new_database(prepared=True))


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest) -> Location:
    """Make an empty database with our schema, on each engine in turn."""
    found: Location = request.getfixturevalue("path" if request.param == "sqlite" else "url")
    return found


@pytest.fixture
async def database(location: Location) -> AsyncIterator[Database]:
    """Open it."""
    database = open_database(location)
    yield database
    await database.close()


@pytest.fixture
async def sqlite_database(path: Path) -> AsyncIterator[SqliteDatabase]:
    """Open a SQLite database, for what means something there only."""
    database = SqliteDatabase(path)
    yield database
    await database.close()


@pytest.fixture
async def store(database: Database) -> SqlStore:
    """Open it as the use cases see it, with one organization."""
    store = SqlStore(database)
    async with store.writing() as work:
        await work.principals.add_organization(ORGANIZATION)
    return store
