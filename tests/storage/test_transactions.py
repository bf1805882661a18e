"""All of a transaction or nothing: also after an exception, and after being cancelled anywhere."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress

import psycopg
import pytest

from dragoman.domain.change import Change
from dragoman.domain.errors import Unavailable
from dragoman.domain.principal import Organization
from dragoman.storage.database import Database, Location, UniqueViolation
from dragoman.storage.repositories.audit import SqlReadAudit
from dragoman.storage.repositories.deployment import SqlReadDeployment
from dragoman.storage.repositories.grants import SqlReadGrants
from dragoman.storage.repositories.llms import SqlReadLLMs
from dragoman.storage.repositories.principals import SqlReadPrincipals
from dragoman.storage.unit_of_work import SqlReadWork, SqlStore
from tests.storage.other import begin_to_write, other
from tests.storage.other import names as names_in
from tests.storage.samples import AUDIT_ENTRY, DEPLOYMENT

INSERT = "INSERT INTO organizations (id, name, created_at_ms) VALUES (:id, :id, 0)"
NAMES = "SELECT name FROM organizations ORDER BY name"
SLOW = """
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 2000000)
SELECT COUNT(*) FROM counted
"""
"""A statement that takes long enough to be interrupted."""


async def names(database: Database) -> list[str]:
    async with database.read() as transaction:
        return [name for (name,) in await transaction.fetch(NAMES, {})]


async def insert(database: Database, *names: str) -> None:
    async with database.write() as transaction:
        for name in names:
            assert await transaction.execute(INSERT, {"id": name}) == 1


async def test_an_exception_undoes_everything(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as transaction:
            await transaction.execute(INSERT, {"id": "undone"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await insert(database, "kept")
    assert await names(database) == ["kept"]


async def test_a_statement_that_fails_undoes_those_before_it(database: Database) -> None:
    with pytest.raises(UniqueViolation):
        await insert(database, "undone", "undone")
    await insert(database, "kept")
    assert await names(database) == ["kept"]


async def test_a_failure_that_is_swallowed_comes_again_at_the_end(database: Database) -> None:
    async def swallow() -> None:
        async with database.write() as transaction:
            await transaction.execute(INSERT, {"id": "undone"})
            with suppress(UniqueViolation):
                await transaction.execute(INSERT, {"id": "undone"})

    with pytest.raises(UniqueViolation):
        await swallow()
    assert await names(database) == []


@pytest.mark.parametrize(
    ("again", "constraint"),
    [
        ({"id": "first", "name": "other"}, "pk_organizations"),
        ({"id": "other", "name": "first"}, "uq_organizations_name"),
    ],
)
async def test_what_may_be_there_once_only_is_told_by_the_same_name_on_each_engine(
    database: Database, again: dict[str, str], constraint: str
) -> None:
    sql = "INSERT INTO organizations (id, name, created_at_ms) VALUES (:id, :name, 0)"
    await insert(database, "first")
    with pytest.raises(UniqueViolation) as refused:
        async with database.write() as transaction:
            await transaction.execute(sql, again)
    assert refused.value.constraint == constraint


async def test_foreign_keys_are_held(database: Database) -> None:
    orphan = "INSERT INTO principals VALUES ('p', 'no organization', 'name', 'admin', 0)"
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match=r"(?i)foreign key"):
        async with database.write() as transaction:
            await transaction.execute(orphan, {})


@pytest.mark.parametrize("times", [1, 2])
async def test_being_cancelled_within_a_statement_undoes_everything(
    database: Database, times: int
) -> None:
    async def work() -> None:
        async with database.write() as transaction:
            await transaction.execute(INSERT, {"id": "undone"})
            begun.set()
            await transaction.fetch(SLOW, {})

    begun = asyncio.Event()
    task = asyncio.create_task(work())
    await begun.wait()
    for delay_s in (0.01, 0.0)[:times]:  # the second time while it undoes what it did
        await asyncio.sleep(delay_s)
        assert task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await insert(database, "kept")
    assert await names(database) == ["kept"]


async def test_being_cancelled_while_waiting_for_another_process_leaves_nothing_open(
    database: Database, location: Location
) -> None:
    with other(location) as connection:
        begin_to_write(connection)
        task = asyncio.create_task(insert(database, "undone"))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        connection.execute("ROLLBACK")
    with pytest.raises(asyncio.CancelledError):
        await task
    await insert(database, "kept")
    assert await names(database) == ["kept"]


async def test_being_cancelled_while_waiting_for_a_turn_leaves_the_other_alone(
    database: Database,
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
    database: Database,
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


async def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    await insert(database, "before")
    async with database.read() as transaction:
        assert await transaction.fetch(NAMES, {}) == [("before",)]
        await insert(database, "meanwhile")
        assert await transaction.fetch(NAMES, {}) == [("before",)]
    assert await names(database) == ["before", "meanwhile"]


async def test_a_slow_query_holds_up_neither_other_readers_nor_news(
    database: Database,
) -> None:
    async def read() -> None:
        async with database.read() as transaction:
            await transaction.fetch(SLOW, {})

    await insert(database, "there")
    slow = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    assert await names(database) == ["there"]
    async with database.watch() as watcher:
        assert await watcher.fetch(NAMES, {}) == [("there",)]
    assert not slow.done()
    await slow


async def test_writers_of_one_process_take_turns(database: Database) -> None:
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


async def test_a_view_holds_what_reads_and_nothing_more(database: Database) -> None:
    async with database.read() as transaction:
        held = vars(SqlReadWork(transaction))
    assert {name: type(part) for name, part in held.items()} == {
        "llms": SqlReadLLMs,
        "principals": SqlReadPrincipals,
        "deployment": SqlReadDeployment,
        "audit": SqlReadAudit,
        "grants": SqlReadGrants,
    }


async def test_the_database_itself_refuses_to_write_in_a_view(database: Database) -> None:
    with pytest.raises((sqlite3.Error, Unavailable)):
        async with database.read() as transaction:
            await transaction.execute(INSERT, {"id": "smuggled"})
    assert await names(database) == []


# --- Telling the process ---------------------------------------------------------------------


async def test_a_change_is_told_after_it_can_be_seen_and_a_failed_one_never(
    database: Database, location: Location
) -> None:
    class Note:
        def changed(self, _changes: Sequence[Change]) -> None:
            seen.append(names_in(location))

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
