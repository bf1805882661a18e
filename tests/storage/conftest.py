"""What the tests of storage share: a database with its schema, open."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dragoman.storage import schema
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from tests.storage.samples import ORGANIZATION


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make an empty database with our schema."""
    file = tmp_path / "dragoman.db"
    schema.prepare(file)
    return file


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    """Open it."""
    database = SqliteDatabase(path)
    yield database
    await database.close()


@pytest.fixture
async def store(database: SqliteDatabase) -> SqlStore:
    """Open it as the use cases see it, with one organization."""
    store = SqlStore(database)
    async with store.writing() as work:
        await work.principals.add_organization(ORGANIZATION)
    return store
