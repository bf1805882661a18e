"""A change is made whole, together with its audit row, or not at all."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from dragoman.authz.check import Actor, operator, scope
from dragoman.authz.policy import Action
from dragoman.domain.change import Change, Noun
from dragoman.domain.errors import Unavailable
from dragoman.domain.llm import LLM, Sampling
from dragoman.registry.trail import entry
from dragoman.storage.unit_of_work import SqlStore
from tests.registry.installation import ORGANIZATION_ID, Installation, a_draft, an_edit
from tests.registry.test_llms import sampling, setting


class Listener:
    """A memory that notes what it hears of, and how many LLMs there are by then."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.heard: list[tuple[Change, int]] = []

    def changed(self, changes: Sequence[Change]) -> None:
        self.heard += [(change, self._installation.count("llms")) for change in changes]

    def forget(self) -> None:
        raise AssertionError("a store says what has changed")


async def _created(installation: Installation, who: Actor) -> LLM:
    return await installation.llms.create(who, a_draft(secret="sk-one"))


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
    listener = Listener(installation)
    store = SqlStore(installation.database, listener)
    who = await installation.acting()
    llm = await _created(installation, who)
    gone = entry(installation.clock, who, "llm.delete", llm.id)

    async def remove_and_fail() -> None:
        async with store.writing() as work:
            await work.llms.remove(llm)
            await work.audit.record(gone)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await remove_and_fail()
    async with store.writing(keep=False) as work:
        await work.llms.remove(llm)
        await work.audit.record(gone)
    assert listener.heard == []
    async with store.writing() as work:
        await work.llms.remove(llm)
        await work.audit.record(gone)
        assert listener.heard == []
    change = Change(llm.revision + 1, Noun.LLM, who.organization_id, llm.id)
    assert listener.heard == [(change, 0)]


async def test_no_llm_is_created_changed_or_deleted_without_its_audit_row(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await _created(installation, who)
    before = installation.rows("SELECT * FROM llms")
    installation.break_audit()

    for attempt in (
        _created(installation, who),
        installation.llms.update(who, llm.id, an_edit(setting(model="other"))),
        installation.llms.update(who, llm.id, an_edit(setting(), "sk-two")),
        installation.llms.delete(who, llm.id),
    ):
        with pytest.raises(sqlite3.IntegrityError, match="the audit is broken"):
            await attempt

    assert installation.rows("SELECT * FROM llms") == before


async def test_no_key_is_made_or_revoked_without_its_audit_row(
    installation: Installation,
) -> None:
    await installation.new_key(name="first")
    tables = ("api_keys", "principals")
    before = [installation.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608
    installation.break_audit()

    with pytest.raises(sqlite3.IntegrityError):
        await installation.new_key(name="second")
    with pytest.raises(sqlite3.IntegrityError):
        await installation.keys.revoke(operator(), "first", ORGANIZATION_ID)

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
        lambda made, who, llm: made.llms.create(who, a_draft(llm.configuration)),
        lambda made, who, llm: made.llms.update(who, llm.id, an_edit(setting(model="x"))),
        lambda made, who, llm: made.llms.delete(who, llm.id),
        lambda made, _who, _llm: made.new_key(name="second"),
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
        installation.llms.update(who, llm.id, an_edit(sampling(max_tokens=5))),
        installation.llms.update(who, llm.id, an_edit(sampling(temperature=1.5))),
    )

    updated = await installation.llms.get(who, llm.id)
    assert updated.configuration.sampling == Sampling(max_tokens=5, temperature=1.5)
    assert updated.revision == llm.revision + 2
