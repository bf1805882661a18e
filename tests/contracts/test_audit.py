"""What the audit trail of a store promises: numbers without holes, filters, pages."""

from typing import Any

import msgspec
import pytest

from dragoman.domain.audit import AuditEntry
from dragoman.domain.page import AUDIT_FILTERS, AuditQuery
from dragoman.domain.ports import Store
from tests.contracts.conftest import Engine
from tests.contracts.test_store import an_entry
from tests.storage.samples import AUDIT_ENTRY


async def recorded(store: Store, *entries: AuditEntry) -> list[AuditEntry]:
    """Record each in a transaction of its own; gives them with their numbers."""
    numbered = []
    for entry in entries:
        async with store.writing() as work:
            revision = await work.audit.record(entry)
        numbered.append(msgspec.structs.replace(entry, revision=revision))
    return numbered


async def asked(store: Store, organization_id: str = "org", **query: Any) -> list[AuditEntry]:
    async with store.reading() as view:
        page = await view.audit.page(organization_id, AuditQuery(**query))
    assert page.next is None
    return list(page.items)


async def test_every_member_is_read_again_with_its_number(store: Store) -> None:
    [entry] = await recorded(store, AUDIT_ENTRY)
    assert entry.revision == 1
    assert await asked(store) == [entry]


async def test_what_may_be_left_out_is_read_again_as_left_out(store: Store) -> None:
    bare = msgspec.structs.replace(AUDIT_ENTRY, key_id=None, request_id=None, members=())
    recorded_as = await recorded(store, bare)
    assert await asked(store) == recorded_as


async def test_numbers_are_those_of_the_registry_and_not_of_an_organization(store: Store) -> None:
    entries = [an_entry(at, organization_id=("org", "other")[at % 2]) for at in range(6)]
    assert [entry.revision for entry in await recorded(store, *entries)] == [1, 2, 3, 4, 5, 6]
    assert [entry.revision for entry in await asked(store, "org")] == [5, 3, 1]
    assert [entry.revision for entry in await asked(store, "other")] == [6, 4, 2]


async def test_the_newest_stand_first_and_of_one_moment_the_later_id(store: Store) -> None:
    entries = await recorded(store, *(an_entry(at, at_ms=at // 2) for at in range(5)))
    assert await asked(store) == entries[::-1]


OTHERS = {
    "actor_id": "colleague",
    "key_id": "key-2",
    "action": "llm.delete",
    "target_id": "llm-2",
    "request_id": "req-other",
}


@pytest.mark.parametrize("name", AUDIT_FILTERS)
async def test_each_filter_finds_what_has_its_value(store: Store, name: str) -> None:
    same, different = an_entry(1), an_entry(2, **{name: OTHERS[name]})
    first, second = await recorded(store, same, different)
    assert await asked(store, equal={name: getattr(same, name)}) == [first]
    assert await asked(store, equal={name: OTHERS[name]}) == [second]
    assert await asked(store, equal={name: "nothing"}) == []
    assert await asked(store, "other", equal={name: OTHERS[name]}) == []


async def test_a_time_is_from_and_up_to(store: Store) -> None:
    entries = await recorded(store, *(an_entry(at) for at in (1, 2, 3, 4)))
    assert await asked(store, since_ms=2) == [*reversed(entries[1:])]
    assert await asked(store, until_ms=3) == [*reversed(entries[:2])]
    assert await asked(store, since_ms=2, until_ms=3) == [entries[1]]
    assert await asked(store, since_ms=3, until_ms=3) == []


async def test_all_filters_have_to_hold(store: Store) -> None:
    entries = [an_entry(at, **OTHERS) for at in (1, 2)]
    entries += [
        an_entry(10 + at, **{name: value}) for at, (name, value) in enumerate(OTHERS.items())
    ]
    numbered = await recorded(store, *entries)
    assert await asked(store, equal=OTHERS) == [numbered[1], numbered[0]]
    assert await asked(store, equal=OTHERS, since_ms=2) == [numbered[1]]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_repeat_and_skip_nothing_while_the_trail_grows(store: Store, size: int) -> None:
    before = await recorded(store, *(an_entry(at, at_ms=at // 3) for at in range(7)))
    found: list[AuditEntry] = []
    query = AuditQuery(limit=size, equal={"actor_id": "principal"})
    for number in range(100, 110):
        async with store.reading() as view:
            page = await view.audit.page("org", query)
        found += page.items
        if page.next is None:
            break
        query = msgspec.structs.replace(query, after=page.next)
        await recorded(store, an_entry(number))
    assert found == before[::-1]


async def test_an_entry_is_recorded_only_once(engine: Engine) -> None:
    await recorded(engine.store, AUDIT_ENTRY)
    with pytest.raises(engine.refusal):
        await recorded(engine.store, AUDIT_ENTRY)
    [entry] = await recorded(engine.store, an_entry(2))
    assert entry.revision == 2
