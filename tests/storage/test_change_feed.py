"""The change feed tells of every change, of whatever process, once and in order; or forgets all."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from dragoman.domain.change import Change, Noun
from dragoman.domain.errors import Unavailable
from dragoman.storage import change_feed, postgres
from dragoman.storage.change_feed import SqlChangeFeed
from dragoman.storage.database import Database, Location
from tests.storage.failing import Failing
from tests.storage.other import other

HANG_S = 5.0
SEVERAL_LOOKS_S = 0.7
DEPLOYMENT = "INSERT INTO deployment (id, created_at_ms, revision) VALUES ('d', 0, 7)"


class Heard:
    """A memory that notes what it is told, and waits for more."""

    def __init__(self) -> None:
        self.told: list[list[Change] | str] = []
        self._news = asyncio.Event()

    def changed(self, changes: Sequence[Change]) -> None:
        self.told.append(list(changes))
        self._news.set()

    def forget(self) -> None:
        self.told.append("forget")
        self._news.set()

    async def more(self) -> None:
        async with asyncio.timeout(HANG_S):
            await self._news.wait()
        self._news.clear()

    async def nothing_more(self) -> None:
        before = list(self.told)
        await asyncio.sleep(SEVERAL_LOOKS_S)
        assert self.told == before


@pytest.fixture(autouse=True)
def started(location: Location) -> None:
    """Seven changes have been made, and their rows are gone."""
    with other(location) as connection:
        connection.execute(DEPLOYMENT)


@asynccontextmanager
async def following(
    database: Database, stale_max_s: float = HANG_S
) -> AsyncIterator[tuple[Heard, SqlChangeFeed]]:
    """Follow the changes of a database for the length of the block, from the first look on."""
    heard = Heard()
    feed = SqlChangeFeed(database, stale_max_s)
    assert not feed.is_connected
    task = asyncio.create_task(feed.follow(heard))
    await heard.more()
    yield heard, feed
    assert not task.done(), task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def insert(revision: int, action: str = "llm.update") -> str:
    values = f"'{revision}', {revision}, 0, 'org', 'actor', '{action}', 'target-{revision}', '[]'"
    columns = "id, revision, at_ms, organization_id, actor_id, action, target_id, members"
    return f"INSERT INTO audit ({columns}) VALUES ({values})"  # noqa: S608


def newest(revision: int) -> str:
    return f"UPDATE deployment SET revision = {revision}"  # noqa: S608


def commit(location: Location, *statements: str) -> None:
    """Let somebody else commit these in one transaction."""
    with other(location) as connection:
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")


def change(revision: int, noun: Noun = Noun.LLM) -> Change:
    return Change(revision, noun, "org", f"target-{revision}")


async def test_without_a_change_there_is_nothing_to_hear(database: Database) -> None:
    async with following(database) as (heard, feed):
        await heard.nothing_more()
        assert heard.told == ["forget"], "the first look itself: nothing was known before it"
        assert (feed.is_connected, feed.is_stale) == (True, False)


async def test_each_commit_of_somebody_else_is_told(database: Database, location: Location) -> None:
    async with following(database) as (heard, _):
        for revision in (8, 9, 10):
            commit(location, insert(revision), newest(revision))
            await heard.more()
        await heard.nothing_more()
        assert heard.told == ["forget", [change(8)], [change(9)], [change(10)]]


async def test_a_commit_of_this_process_is_told(database: Database) -> None:
    async with following(database) as (heard, _):
        async with database.write() as transaction:
            await transaction.execute(insert(8, "key.revoke"), {})
            await transaction.execute(newest(8), {})
        await heard.more()
        assert heard.told == ["forget", [change(8, Noun.KEY)]]


async def test_changes_come_in_order_and_in_pieces(
    database: Database, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_feed, "ROWS_AT_ONCE", 2)
    async with following(database) as (heard, _):
        commit(location, *(insert(revision) for revision in (12, 11, 10, 9, 8)), newest(12))
        await asyncio.sleep(SEVERAL_LOOKS_S)
        pieces = [[change(8), change(9)], [change(10), change(11)], [change(12)]]
        assert heard.told == ["forget", *pieces]


async def test_what_is_undone_is_not_told(database: Database, location: Location) -> None:
    async with following(database) as (heard, _):
        with other(location) as connection:
            connection.execute("BEGIN")
            connection.execute(insert(8))
            connection.execute("ROLLBACK")
        await heard.nothing_more()


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([insert(9), newest(9)], id="a number is missing"),
        pytest.param([insert(8), insert(10), newest(10)], id="one in between is missing"),
        pytest.param([newest(20)], id="all rows are gone"),
        pytest.param([newest(3)], id="a backup was restored"),
        pytest.param([insert(8, "comet.land"), newest(8)], id="of an unknown kind"),
    ],
)
async def test_where_changes_may_have_been_missed_everything_is_forgotten(
    database: Database, location: Location, statements: list[str]
) -> None:
    async with following(database) as (heard, _):
        commit(location, *statements)
        await heard.more()
        assert heard.told == ["forget", "forget"]
        await heard.nothing_more()
        with other(location) as connection:
            ((reached,),) = connection.execute("SELECT revision FROM deployment").fetchall()
        commit(location, "DELETE FROM audit", insert(reached + 1), newest(reached + 1))
        await heard.more()
        assert heard.told[2:] == [[change(reached + 1)]], "and it goes on from there"


@pytest.fixture
def failing(database: Database) -> Failing:
    """Give a database that can be made to fail."""
    return Failing(database)


@pytest.mark.parametrize(
    "failure",
    [Unavailable("gone"), sqlite3.DatabaseError("database disk image is malformed")],
    ids=["unavailable", "damaged"],
)
async def test_what_is_known_is_kept_while_the_database_is_away_and_forgotten_when_it_is_back(
    failing: Failing, location: Location, failure: Exception
) -> None:
    async with following(failing) as (heard, feed):
        failing.fail_with(failure)
        await heard.nothing_more()
        assert (feed.is_connected, feed.is_stale) == (False, False)
        failing.fail_with(None)
        await heard.more()
        assert heard.told == ["forget", "forget"]
        assert feed.is_connected
        await heard.nothing_more()
        commit(location, insert(8), newest(8))
        await heard.more()
        assert heard.told[2:] == [[change(8)]]


async def test_what_is_known_is_not_kept_for_longer_than_the_operator_says(
    failing: Failing,
) -> None:
    async with following(failing, stale_max_s=0.05) as (heard, feed):
        failing.fail_with(Unavailable("gone"))
        for _ in range(3):
            await heard.more()
        assert feed.is_stale
        failing.fail_with(None)
        await heard.more()
        await heard.nothing_more()
        assert not feed.is_stale


async def test_an_outage_is_logged_once_and_not_with_every_look(
    failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(failing) as (heard, _):
        failing.fail_with(Unavailable("gone"))
        await heard.nothing_more()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["change_feed_interrupted"]


async def test_a_watcher_has_news_after_a_commit_of_somebody_else(
    database: Database, location: Location
) -> None:
    async with database.watch() as watcher:
        news = asyncio.create_task(watcher.news())
        await asyncio.sleep(0.05)
        assert not news.done()
        commit(location, newest(8))
        async with asyncio.timeout(HANG_S):
            await news
        assert await watcher.fetch("SELECT revision FROM deployment", {}) == [(8,)]


@pytest.mark.parametrize("location", ["postgres"], indirect=True)
async def test_a_commit_of_ours_is_heard_at_once_through_a_notification(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LOOK_INTERVAL_S", 60.0)
    async with database.watch() as watcher:
        for revision in (8, 9):
            news = asyncio.create_task(watcher.news())
            await asyncio.sleep(0.05)
            async with database.write() as transaction:
                await transaction.execute(newest(revision), {})
            async with asyncio.timeout(HANG_S):
                await news


@pytest.mark.parametrize("location", ["postgres"], indirect=True)
async def test_a_connection_that_is_cut_is_made_anew(
    database: Database, location: Location, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(database) as (heard, feed):
        commit(
            location,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid != pg_backend_pid() AND datname = current_database()",
        )
        await heard.more()
        assert heard.told == ["forget", "forget"]
        assert feed.is_connected
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "connection" in vars(warning)["reason"]
