"""A change is made whole, together with its audit row, or not at all."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable

import pytest

from dragoman.authz.check import Actor, scope
from dragoman.authz.policy import Action
from dragoman.domain.errors import Unavailable
from dragoman.domain.llm import LLM
from dragoman.domain.principal import Role
from dragoman.storage.unit_of_work import SqlStore
from dragoman.vault.secret import Secret
from tests.registry.installation import ORGANIZATION, REQUEST, Installation, a_configuration
from tests.registry.test_llms import setting


async def _created(installation: Installation, who: Actor) -> LLM:
    return await installation.llms.create(who, a_configuration(), Secret("sk-one"), REQUEST)


async def test_a_block_that_an_exception_leaves_has_done_nothing(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await _created(installation, who)
    before = installation.rows("SELECT * FROM llms")

    async def remove_and_fail() -> None:
        async with installation.store.writing() as work:
            await work.llms.remove(llm)
            assert await work.llms.get(scope(who, Action.READ), llm.id) is None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await remove_and_fail()

    assert installation.rows("SELECT * FROM llms") == before
    assert await installation.llms.get(who, llm.id) == llm


async def test_nobody_else_sees_a_change_before_its_block_has_ended(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await _created(installation, who)
    async with installation.store.writing() as work:
        await work.llms.remove(llm)
        assert await installation.llms.get(who, llm.id) == llm
        assert installation.count("llms") == 1
    assert installation.count("llms") == 0


async def test_listeners_hear_of_a_change_when_it_is_committed_and_not_when_it_failed(
    installation: Installation,
) -> None:
    heard: list[int] = []
    store = SqlStore(
        installation.database, on_write=lambda: heard.append(installation.count("llms"))
    )
    who = await installation.acting()
    llm = await _created(installation, who)

    async def remove_and_fail() -> None:
        async with store.writing() as work:
            await work.llms.remove(llm)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await remove_and_fail()
    assert heard == []
    async with store.writing() as work:
        await work.llms.remove(llm)
        assert heard == []
    assert heard == [0]


async def test_no_llm_is_created_changed_or_deleted_without_its_audit_row(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await _created(installation, who)
    before = installation.rows("SELECT * FROM llms")
    installation.break_audit()

    for attempt in (
        _created(installation, who),
        installation.llms.update(who, llm.id, setting(model="other"), None, REQUEST),
        installation.llms.update(who, llm.id, setting(), Secret("sk-two"), REQUEST),
        installation.llms.delete(who, llm.id, REQUEST),
    ):
        with pytest.raises(sqlite3.IntegrityError, match="the audit is broken"):
            await attempt

    assert installation.rows("SELECT * FROM llms") == before


async def test_no_key_is_made_or_revoked_without_its_audit_row(
    installation: Installation,
) -> None:
    await installation.keys.create(ORGANIZATION, Role.ADMIN, "first")
    tables = ("api_keys", "principals")
    before = [installation.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608
    installation.break_audit()

    with pytest.raises(sqlite3.IntegrityError):
        await installation.keys.create(ORGANIZATION, Role.ADMIN, "second")
    with pytest.raises(sqlite3.IntegrityError):
        await installation.keys.revoke(ORGANIZATION, "first")

    assert [installation.rows(f"SELECT * FROM {table}") for table in tables] == before  # noqa: S608


@pytest.mark.parametrize("steps", range(12))
async def test_a_create_that_is_cancelled_is_there_whole_or_not_at_all_and_blocks_nobody(
    installation: Installation, steps: int
) -> None:
    who = await installation.acting()
    audited = installation.count("audit")

    task = asyncio.create_task(_created(installation, who))
    for _ in range(steps):
        await asyncio.sleep(0)
        time.sleep(0.0005)  # noqa: ASYNC251  # lets the connection's thread run, the loop not
    task.cancel()
    await asyncio.wait([task])

    after = await asyncio.wait_for(_created(installation, who), timeout=2)
    assert await installation.llms.get(who, after.id) == after
    assert installation.count("llms") == installation.count("audit") - audited
    assert installation.count("llms") in {1, 2}


@pytest.mark.parametrize("times", [1, 2])
async def test_a_statement_that_is_cancelled_leaves_no_open_transaction(
    installation: Installation, times: int
) -> None:
    """Its thread cannot be stopped; the rollback waits for it."""
    who = await installation.acting()
    llm = await _created(installation, who)
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
        "UPDATE llms SET model = (SELECT MAX(i) FROM n)"
    )

    async def change() -> None:
        async with installation.database.write() as transaction:
            await transaction.execute(slow, {})

    task = asyncio.create_task(change())
    await asyncio.sleep(0.02)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([task])

    with sqlite3.connect(installation.path, timeout=5, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    other.close()
    assert task.cancelled()
    assert await installation.llms.get(who, llm.id) == llm
    await _created(installation, who)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda made, who, llm: made.llms.create(who, llm.configuration, None, REQUEST),
        lambda made, who, llm: made.llms.update(who, llm.id, setting(model="x"), None, REQUEST),
        lambda made, who, llm: made.llms.delete(who, llm.id, REQUEST),
        lambda made, _who, _llm: made.keys.create(ORGANIZATION, Role.ADMIN, "second"),
    ],
    ids=["create", "update", "delete", "key"],
)
async def test_a_locked_database_is_unavailable_and_afterwards_as_it_was(
    installation: Installation,
    attempt: Callable[[Installation, Actor, LLM], Awaitable[object]],
) -> None:
    who = await installation.acting()
    llm = await _created(installation, who)
    await installation.database._writer.run(lambda db: db.execute("PRAGMA busy_timeout = 20"))

    other = sqlite3.connect(installation.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        await attempt(installation, who, llm)
    assert await installation.llms.get(who, llm.id) == llm
    other.execute("ROLLBACK")
    other.close()

    await attempt(installation, who, llm)


async def test_simultaneous_updates_each_see_what_the_other_has_written(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await _created(installation, who)

    await asyncio.gather(
        installation.llms.update(who, llm.id, setting(max_tokens=5), None, REQUEST),
        installation.llms.update(who, llm.id, setting(temperature=1.5), None, REQUEST),
    )

    updated = await installation.llms.get(who, llm.id)
    assert (updated.configuration.max_tokens, updated.configuration.temperature) == (5, 1.5)
    assert updated.revision == 3
