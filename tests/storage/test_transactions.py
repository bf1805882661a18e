"""All of a transaction or nothing: also after an exception, and after being cancelled anywhere."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dragoman.domain.change import Change
from dragoman.domain.errors import Unavailable
from dragoman.domain.principal import Organization
from dragoman.storage.repositories.audit import SqlReadAudit
from dragoman.storage.repositories.deployment import SqlReadDeployment
from dragoman.storage.repositories.llms import SqlReadLLMs
from dragoman.storage.repositories.principals import SqlReadPrincipals
from dragoman.storage.sqlite import SqliteDatabase, Transaction
from dragoman.storage.unit_of_work import SqlReadWork, SqlStore
from tests.storage.samples import AUDIT_ENTRY, DEPLOYMENT

INSERT = "INSERT INTO organizations (id, name, created_at_ms) VALUES (:id, :id, 0)"
NAMES = "SELECT name FROM organizations ORDER BY name"
SLOW = """
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 2000000)
SELECT COUNT(*) FROM counted
"""
"""A statement that takes long enough to be interrupted."""


async def names(database: SqliteDatabase) -> list[str]:
    async with database.read() as transaction:
        return [name for (name,) in await transaction.fetch(NAMES, {})]


async def insert(database: SqliteDatabase, *names: str) -> None:
    async with database.write() as transaction:
        for name in names:
            assert await transaction.execute(INSERT, {"id": name}) == 1


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL: a commit is on disk when it returns
        ("foreign_keys", 1),
        ("busy_timeout", 5000),
        ("trusted_schema", 0),
    ],
)
async def test_all_connections_are_set_up_alike(
    database: SqliteDatabase, pragma: str, value: object
) -> None:
    for connection in (database._writer, *database._readers, database._watcher):
        assert await connection.run(_asked(pragma)) == value


async def test_one_connection_can_write(database: SqliteDatabase) -> None:
    assert await database._writer.run(_asked("query_only")) == 0
    for connection in (*database._readers, database._watcher):
        assert await connection.run(_asked("query_only")) == 1


def _asked(pragma: str) -> Callable[[sqlite3.Connection], Any]:
    return lambda db: db.execute(f"PRAGMA {pragma}").fetchone()[0]


async def test_an_exception_undoes_everything(database: SqliteDatabase) -> None:
    async def fail() -> None:
        async with database.write() as transaction:
            await transaction.execute(INSERT, {"id": "undone"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await insert(database, "kept")
    assert await names(database) == ["kept"]


async def test_a_statement_that_fails_undoes_those_before_it(database: SqliteDatabase) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        await insert(database, "undone", "undone")
    await insert(database, "kept")
    assert await names(database) == ["kept"]


async def test_foreign_keys_are_held(database: SqliteDatabase) -> None:
    orphan = "INSERT INTO principals VALUES ('p', 'no organization', 'name', 'admin', 0)"
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        async with database.write() as transaction:
            await transaction.execute(orphan, {})


@pytest.mark.parametrize("times", [1, 2])
async def test_being_cancelled_within_a_statement_undoes_everything(
    database: SqliteDatabase, times: int
) -> None:
    async def work() -> None:
        async with database.write() as transaction:
            await transaction.execute(INSERT, {"id": "undone"})
            begun.set()
            await transaction.fetch(SLOW, {})

    begun = asyncio.Event()
    task = asyncio.create_task(work())
    await begun.wait()
    for _ in range(times):  # the second time while it undoes what it did
        await asyncio.sleep(0.01)
        assert task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await insert(database, "kept")
    assert await names(database) == ["kept"]


async def test_being_cancelled_while_waiting_for_another_process_leaves_nothing_open(
    database: SqliteDatabase, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(insert(database, "undone"))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        other.execute("ROLLBACK")
    with pytest.raises(asyncio.CancelledError):
        await task
    await insert(database, "kept")
    assert await names(database) == ["kept"]


async def test_being_cancelled_while_waiting_for_a_turn_leaves_the_other_alone(
    database: SqliteDatabase,
) -> None:
    async with database.write() as transaction:
        task = asyncio.create_task(insert(database, "undone"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await transaction.execute(INSERT, {"id": "kept"})
    assert await names(database) == ["kept"]


async def test_being_cancelled_while_reading_leaves_no_old_view_open(
    database: SqliteDatabase,
) -> None:
    async def read() -> None:
        async with database.read() as transaction:
            begun.set()
            await transaction.fetch(SLOW, {})

    begun = asyncio.Event()
    task = asyncio.create_task(read())
    await begun.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await insert(database, "kept")
    assert await names(database) == ["kept"]


async def test_a_reader_sees_one_state_while_others_write(database: SqliteDatabase) -> None:
    await insert(database, "before")
    async with database.read() as transaction:
        assert await transaction.fetch(NAMES, {}) == [("before",)]
        await insert(database, "meanwhile")
        assert await transaction.fetch(NAMES, {}) == [("before",)]
    assert await names(database) == ["before", "meanwhile"]


async def test_a_slow_query_holds_up_neither_other_readers_nor_news(
    database: SqliteDatabase,
) -> None:
    async def read() -> None:
        async with database.read() as transaction:
            await transaction.fetch(SLOW, {})

    await insert(database, "there")
    slow = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    assert await names(database) == ["there"]
    assert await database.data_version() > 0
    assert not slow.done()
    await slow


async def test_writers_of_one_process_take_turns(database: SqliteDatabase) -> None:
    async def add_one() -> None:
        async with database.write() as transaction:
            ((count,),) = await transaction.fetch("SELECT COUNT(*) FROM organizations", {})
            await asyncio.sleep(0)
            await transaction.execute(INSERT, {"id": f"{count:02}"})

    await asyncio.gather(*(add_one() for _ in range(20)))
    assert await names(database) == [f"{number:02}" for number in range(20)]


# --- Reading cannot write --------------------------------------------------------------------


def test_what_a_view_holds_has_only_methods_that_read() -> None:
    kinds = (SqlReadLLMs, SqlReadPrincipals, SqlReadDeployment, SqlReadAudit)
    methods = {kind: sorted(name for name in vars(kind) if name[0] != "_") for kind in kinds}
    assert methods == {
        SqlReadLLMs: ["all", "get", "named", "page"],
        SqlReadPrincipals: [
            "by_digest",
            "key",
            "keys",
            "keys_named",
            "organization",
            "organization_named",
            "organizations",
            "principal",
            "principals",
        ],
        SqlReadDeployment: ["get", "kek_ids"],
        SqlReadAudit: ["page"],
    }


async def test_a_view_holds_what_reads_and_nothing_more(database: SqliteDatabase) -> None:
    held = vars(SqlReadWork(Transaction(database._readers[0])))
    assert {name: type(part) for name, part in held.items()} == {
        "llms": SqlReadLLMs,
        "principals": SqlReadPrincipals,
        "deployment": SqlReadDeployment,
        "audit": SqlReadAudit,
    }


async def test_the_database_itself_refuses_to_write_in_a_view(database: SqliteDatabase) -> None:
    with pytest.raises((sqlite3.Error, Unavailable)):
        async with database.read() as transaction:
            await transaction.execute(INSERT, {"id": "smuggled"})
    assert await names(database) == []


# --- Telling the process ---------------------------------------------------------------------


async def test_a_change_is_told_after_it_can_be_seen_and_a_failed_one_never(
    database: SqliteDatabase, path: Path
) -> None:
    class Note:
        def changed(self, _changes: Sequence[Change]) -> None:
            with closing(sqlite3.connect(path)) as other:
                seen.append([name for (name,) in other.execute(NAMES)])

        def forget(self) -> None:
            raise AssertionError("a store says what has changed")

    async def fail() -> None:
        async with store.writing() as work:
            await work.deployment.add(DEPLOYMENT)
            await work.principals.add_organization(Organization("a", "failed", 0))
            await work.audit.record(AUDIT_ENTRY)
            raise ZeroDivisionError

    seen: list[list[str]] = []
    store = SqlStore(database, Note())
    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.reading() as view:
        assert await view.principals.organization("a") is None
    assert seen == []
    async with store.writing() as work:
        await work.deployment.add(DEPLOYMENT)
        await work.principals.add_organization(Organization("a", "done", 0))
        await work.audit.record(AUDIT_ENTRY)
        assert seen == []
    assert seen == [["done"]]
