"""A SQLite file that is locked, full or damaged: "try again", and nothing is half done."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from dragoman.domain.errors import Unavailable
from dragoman.storage import sqlite
from dragoman.storage.database import Database
from dragoman.storage.sqlite import SqliteDatabase

INSERT = "INSERT INTO organizations (id, name, created_at_ms) VALUES (:id, :id, 0)"
NAMES = "SELECT length(name), substr(name, 1, 5) FROM organizations ORDER BY name"


@pytest.fixture
async def impatient(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteDatabase]:
    """Open the database with 50 ms of patience for others who hold its lock."""
    (patience,) = [pragma for pragma in sqlite.PRAGMAS if "busy_timeout" in pragma]
    short = [pragma for pragma in sqlite.PRAGMAS if pragma != patience]
    monkeypatch.setattr(sqlite, "PRAGMAS", ("PRAGMA busy_timeout = 50", *short))
    database = SqliteDatabase(path)
    yield database
    await database.close()


async def write(database: Database, *names: str) -> None:
    async with database.write() as transaction:
        for name in names:
            await transaction.execute(INSERT, {"id": name})


async def read(database: Database) -> list[tuple[int, str]]:
    async with database.read() as transaction:
        return [(length, start) for length, start in await transaction.fetch(NAMES, {})]


async def test_a_locked_database_is_unavailable_until_it_is_free(
    impatient: SqliteDatabase, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="try again"):
            await write(impatient, "too early")
        assert await read(impatient) == [], "reading goes on meanwhile"
        other.execute("ROLLBACK")
    await write(impatient, "in time")
    assert await read(impatient) == [(7, "in ti")]
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage() == "database_unavailable"
    assert vars(record)["reason"] == "database is locked"


async def test_a_lock_that_is_given_up_in_time_is_waited_for(
    sqlite_database: SqliteDatabase, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(write(sqlite_database, "patient"))
        await asyncio.sleep(0.1)
        assert not task.done()
        other.execute("ROLLBACK")
        await task
    assert await read(sqlite_database) == [(7, "patie")]


async def test_a_full_disk_is_unavailable_and_nothing_is_half_written(
    sqlite_database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    await write(sqlite_database, "first")
    pages = await _set(sqlite_database, "page_count")
    await _set(sqlite_database, f"max_page_count = {pages + 2}")
    with pytest.raises(Unavailable, match="try again"):
        await write(sqlite_database, "small", "large" * 10_000)
    assert await read(sqlite_database) == [(5, "first")]
    assert [vars(record)["reason"] for record in caplog.records if "reason" in vars(record)] == [
        "database or disk is full"
    ]
    await _set(sqlite_database, "max_page_count = 100000")
    await write(sqlite_database, "small", "large" * 10_000)
    assert await read(sqlite_database) == [(5, "first"), (50_000, "large"), (5, "small")]


async def test_a_failure_that_the_work_swallows_is_not_taken_for_a_commit(
    sqlite_database: SqliteDatabase,
) -> None:
    """SQLite undoes the whole transaction when the disk is full, not only the statement."""

    async def swallow() -> None:
        async with sqlite_database.write() as transaction:
            await transaction.execute(INSERT, {"id": "small"})
            with suppress(Unavailable):
                await transaction.execute(INSERT, {"id": "large" * 10_000})

    pages = await _set(sqlite_database, "page_count")
    await _set(sqlite_database, f"max_page_count = {pages + 2}")
    with pytest.raises(Unavailable):
        await swallow()
    assert await read(sqlite_database) == []


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """An empty one in its place would be taken for a new installation by the next start."""
    with pytest.raises((sqlite3.OperationalError, Unavailable)):
        SqliteDatabase(tmp_path / "gone.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pages", [1, 8])
async def test_a_damaged_database_is_unavailable(path: Path, pages: int) -> None:
    async def use(*names: str) -> None:
        database = SqliteDatabase(path)
        try:
            await (write(database, *names) if names else read(database))
        finally:
            await database.close()

    _damage(path, pages)
    for names in (), ("second",):
        with pytest.raises((sqlite3.DatabaseError, Unavailable)):  # the first while it opens
            await use(*names)


def _damage(path: Path, pages: int) -> None:
    """Leave only the first pages, or with them the description of the tables."""
    content = path.read_bytes()
    left = 4096 * pages
    path.write_bytes(content[:left] + b"\xff" * (len(content) - left))


async def _set(sqlite_database: SqliteDatabase, pragma: str) -> int:
    """Set or read a pragma of the connection that writes."""
    rows = await sqlite_database._writer.run(lambda db: db.execute(f"PRAGMA {pragma}").fetchall())
    return int(rows[0][0])
