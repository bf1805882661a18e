"""The change feed hears every commit, of whatever connection and process."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from dragoman.domain.errors import Unavailable
from dragoman.storage.change_feed import SqliteChangeFeed
from dragoman.storage.sqlite import SqliteDatabase

HANG_S = 5.0
SEVERAL_LOOKS_S = 0.4
INSERT = "INSERT INTO organizations (id, name, created_at_ms) VALUES (:id, :id, 0)"


class Heard:
    """Counts what a feed calls back, and waits for more."""

    def __init__(self) -> None:
        self.count = 0
        self._news = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._news.set()

    async def more(self) -> None:
        async with asyncio.timeout(HANG_S):
            await self._news.wait()
        self._news.clear()

    async def nothing_more(self) -> None:
        before = self.count
        await asyncio.sleep(SEVERAL_LOOKS_S)
        assert self.count == before


@asynccontextmanager
async def following(database: SqliteDatabase, stale_max_s: float = HANG_S) -> AsyncIterator[Heard]:
    """Follow the changes of a database for the length of the block, from the first look on."""
    heard = Heard()
    task = asyncio.create_task(SqliteChangeFeed(database, stale_max_s).follow(heard))
    await heard.more()
    yield heard
    assert not task.done(), task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def insert(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute(INSERT, {"id": name})
        other.commit()


async def test_without_a_change_there_is_nothing_to_hear(database: SqliteDatabase) -> None:
    async with following(database) as heard:
        await heard.nothing_more()
        assert heard.count == 1, "the first look itself, because nothing was known before it"


async def test_each_commit_of_another_connection_is_heard(
    database: SqliteDatabase, path: Path
) -> None:
    async with following(database) as heard:
        for number in range(3):
            insert(path, f"{number}")
            await heard.more()
        await heard.nothing_more()
        assert heard.count == 4


async def test_a_commit_of_this_process_is_heard(database: SqliteDatabase) -> None:
    async with following(database) as heard:
        async with database.write() as transaction:
            await transaction.execute(INSERT, {"id": "ours"})
        await heard.more()


async def test_a_commit_of_another_process_is_heard(database: SqliteDatabase, path: Path) -> None:
    program = (
        "import sqlite3, sys; database = sqlite3.connect(sys.argv[1]); "
        f'database.execute("{INSERT}", {{"id": "theirs"}}); database.commit()'
    )
    async with following(database) as heard:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(path))
        assert await process.wait() == 0
        await heard.more()


async def test_what_is_undone_is_not_heard(database: SqliteDatabase, path: Path) -> None:
    async with following(database) as heard:
        with closing(sqlite3.connect(path)) as other:
            other.execute(INSERT, {"id": "undone"})
            other.rollback()
        await heard.nothing_more()


class Failing(SqliteDatabase):
    """A database that can be made to fail."""

    failure: Exception | None = None

    async def data_version(self) -> int:
        if self.failure is not None:
            raise self.failure
        return await super().data_version()


@pytest.fixture
async def failing(path: Path) -> AsyncIterator[Failing]:
    """Open a database that can be made to fail."""
    database = Failing(path)
    yield database
    await database.close()


@pytest.mark.parametrize(
    "failure",
    [Unavailable("gone"), sqlite3.DatabaseError("database disk image is malformed")],
    ids=["unavailable", "damaged"],
)
async def test_what_is_known_is_kept_while_the_database_is_away_and_forgotten_when_it_is_back(
    failing: Failing, path: Path, failure: Exception
) -> None:
    async with following(failing) as heard:
        failing.failure = failure
        await heard.nothing_more()
        failing.failure = None
        await heard.more()
        await heard.nothing_more()
        insert(path, "afterwards")
        await heard.more()


async def test_what_is_known_is_not_kept_for_longer_than_the_operator_says(
    failing: Failing,
) -> None:
    async with following(failing, stale_max_s=0.05) as heard:
        failing.failure = Unavailable("gone")
        for _ in range(3):
            await heard.more()


async def test_an_outage_is_logged_once_and_not_with_every_look(
    failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(failing) as heard:
        failing.failure = Unavailable("gone")
        await heard.nothing_more()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["change_feed_interrupted"]


async def test_the_data_version_moves_with_every_commit_of_others_and_not_without(
    database: SqliteDatabase, path: Path
) -> None:
    versions = [await database.data_version(), await database.data_version()]
    insert(path, "theirs")
    versions += [await database.data_version(), await database.data_version()]
    async with database.write() as transaction:
        await transaction.execute(INSERT, {"id": "ours"})
    versions += [await database.data_version()]
    first, same, second, same_again, third = versions
    assert first == same
    assert second == same_again
    assert len({first, second, third}) == 3
