"""What a store promises: transactions, one writer at a time, news of what was committed."""

import asyncio

import msgspec
import pytest

from dragoman.domain.audit import AuditEntry
from dragoman.domain.change import Change, Noun
from dragoman.domain.credential import Sealed
from dragoman.domain.page import AuditQuery, PageQuery
from dragoman.domain.ports import Store, WriteWork
from dragoman.domain.principal import Principal, Role
from tests.contracts.conftest import Engine
from tests.storage.samples import API_KEY, DEPLOYMENT, FULL_LLM, ORGANIZATION, SCOPE, named_llm


class Given(Exception):
    """What a block is left with."""


def an_entry(number: int, action: str = "llm.update", **members: object) -> AuditEntry:
    entry = AuditEntry(
        id=f"entry-{number}",
        at_ms=number,
        organization_id="org",
        actor_id="principal",
        key_id="key",
        action=action,
        target_id="llm",
        request_id=f"req-{number}",
    )
    return msgspec.structs.replace(entry, **members)


async def change_everything(work: WriteWork, number: int = 1) -> None:
    await work.llms.add(msgspec.structs.replace(FULL_LLM, id=f"llm-{number}"))
    await work.principals.add_principal(Principal(f"p-{number}", "org", "New", Role.VIEWER, 9))
    await work.principals.add_key(API_KEY)
    renamed = msgspec.structs.replace(ORGANIZATION, name=f"renamed-{number}")
    await work.principals.replace_organization(renamed)
    await work.deployment.replace(msgspec.structs.replace(DEPLOYMENT, digest_key=None))
    await work.audit.record(an_entry(number))


async def everything(store: Store) -> tuple[object, ...]:
    async with store.reading() as work:
        return (
            await work.llms.all(SCOPE, limit=100),
            await work.principals.organizations(PageQuery()),
            await work.principals.principals("org", PageQuery()),
            await work.principals.keys("org", PageQuery()),
            await work.deployment.get(),
            await work.audit.page("org", AuditQuery()),
        )


async def test_a_block_that_an_exception_leaves_has_done_nothing(engine: Engine) -> None:
    before = await everything(engine.store)

    with pytest.raises(Given):  # noqa: PT012  # what stands before the exception is the point
        async with engine.store.writing() as work:
            await change_everything(work)
            raise Given

    assert await everything(engine.store) == before
    assert engine.heard.changes == []
    async with engine.store.writing() as work:
        assert await work.audit.record(an_entry(1)) == 1


async def test_a_block_that_is_only_tried_has_done_nothing(engine: Engine) -> None:
    before = await everything(engine.store)

    async with engine.store.writing(keep=False) as work:
        await change_everything(work)
        assert await work.llms.get(SCOPE, "llm-1") is not None

    assert await everything(engine.store) == before
    assert engine.heard.changes == []


async def test_a_failure_of_what_is_only_tried_is_told(engine: Engine) -> None:
    with pytest.raises(Given):
        async with engine.store.writing(keep=False):
            raise Given


async def test_a_block_that_ends_well_is_kept_whole(engine: Engine) -> None:
    before = await everything(engine.store)
    async with engine.store.writing() as work:
        await change_everything(work)
    after = await everything(engine.store)
    assert not [old for old, new in zip(before, after, strict=True) if old == new]


async def test_a_process_hears_of_its_changes_once_they_are_kept(engine: Engine) -> None:
    async with engine.store.writing() as work:
        await work.audit.record(an_entry(1, "organization.update", target_id="org"))
        await work.audit.record(an_entry(2, "key.revoke", target_id="key"))
        assert engine.heard.changes == []
    assert engine.heard.changes == [
        Change(1, Noun.ORGANIZATION, "org", "org"),
        Change(2, Noun.KEY, "org", "key"),
    ]


async def test_a_view_does_not_see_what_is_not_kept_yet(store: Store) -> None:
    async with store.writing() as work:
        await work.llms.add(named_llm("llm", "new"))
        async with store.reading() as view:
            assert await view.llms.get(SCOPE, "llm") is None
    async with store.reading() as view:
        assert await view.llms.get(SCOPE, "llm") is not None


async def test_a_view_stays_as_it_was_when_it_first_looked(store: Store) -> None:
    async with store.reading() as view:
        assert await view.llms.get(SCOPE, "llm") is None
        async with store.writing() as work:
            await work.llms.add(named_llm("llm", "new"))
        assert await view.llms.get(SCOPE, "llm") is None
        assert await view.llms.all(SCOPE, limit=10) == []


async def test_a_block_sees_its_own_changes(store: Store) -> None:
    async with store.writing() as work:
        await work.llms.add(named_llm("llm", "new"))
        assert await work.llms.bearers("org", "new") == ["llm"]
        await work.llms.remove(named_llm("llm", "new"))
        assert await work.llms.bearers("org", "new") == []


async def test_there_is_one_writer_at_a_time(store: Store) -> None:
    async def rename(number: int) -> None:
        async with store.writing() as work:
            found = await work.principals.organization("org")
            assert found is not None
            await asyncio.sleep(0)
            longer = msgspec.structs.replace(found, name=f"{found.name}+")
            await work.principals.replace_organization(longer)
            await work.audit.record(an_entry(number, "organization.update"))

    await asyncio.gather(*(rename(number) for number in range(10)))

    async with store.reading() as view:
        assert await view.principals.organization_named(f"default{'+' * 10}") is not None
        page = await view.audit.page("org", AuditQuery())
        assert sorted(entry.revision for entry in page.items) == [*range(1, 11)]


async def test_a_writer_that_is_cancelled_leaves_nothing_and_holds_nobody_up(store: Store) -> None:
    began = asyncio.Event()

    async def add() -> None:
        async with store.writing() as work:
            await work.llms.add(named_llm("llm", "new"))
            began.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(add())
    await began.wait()
    task.cancel()
    await asyncio.wait([task])

    async with store.writing() as work:
        assert await work.llms.get(SCOPE, "llm") is None


async def test_the_installation_keeps_its_digest_key(store: Store) -> None:
    replaced = msgspec.structs.replace(DEPLOYMENT, digest_key=Sealed("kek_9", b"\0\xff", b"\xff\0"))
    async with store.reading() as view:
        assert await view.deployment.get() == DEPLOYMENT
    async with store.writing() as work:
        await work.deployment.replace(replaced)
    async with store.reading() as view:
        assert await view.deployment.get() == replaced
        assert await view.deployment.kek_ids() == {"kek_9"}


async def test_every_kek_that_something_is_sealed_under_is_named(store: Store) -> None:
    async with store.writing() as work:
        await work.llms.add(FULL_LLM)
    async with store.reading() as view:
        assert await view.deployment.kek_ids() == {"kek_0", "kek_1", "kek_2"}
    async with store.writing() as work:
        await work.llms.replace(msgspec.structs.replace(FULL_LLM, headers=()))
    async with store.reading() as view:
        assert await view.deployment.kek_ids() == {"kek_0", "kek_1"}
    async with store.writing() as work:
        await work.llms.remove(FULL_LLM)
        await work.deployment.replace(msgspec.structs.replace(DEPLOYMENT, digest_key=None))
    async with store.reading() as view:
        assert await view.deployment.kek_ids() == frozenset()
