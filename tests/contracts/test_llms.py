"""What a store promises of LLMs: every value, how far a scope sees, what may be there once."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM
from dragoman.domain.page import LLMQuery
from dragoman.domain.ports import Store
from dragoman.domain.principal import Scope
from tests.contracts.conftest import Engine
from tests.storage.samples import FULL_LLM, SCOPE, llms, named_llm, texts

SHARED = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""The store is shared by all examples; each one leaves it as it was."""

AS_CALLED = msgspec.structs.replace(
    FULL_LLM,
    credential=None,
    headers=(),
    configuration=msgspec.structs.replace(
        FULL_LLM.configuration, description=None, tags=(), metadata={}
    ),
)


async def add(store: Store, *added: LLM) -> None:
    async with store.writing() as work:
        for llm in added:
            await work.llms.add(llm)


async def test_a_full_llm_is_read_again_and_by_calls_without_what_they_do_not_need(
    store: Store,
) -> None:
    await add(store, FULL_LLM)
    async with store.reading() as view:
        assert await view.llms.get(SCOPE, "llm") == FULL_LLM
        assert (await view.llms.page(SCOPE, LLMQuery())).items == (FULL_LLM,)
        assert await view.llms.named(SCOPE, "My LLM", limit=10) == [AS_CALLED]
        assert await view.llms.all(SCOPE, limit=10) == [AS_CALLED]


@SHARED
@given(first=llms("llm"), second=llms("llm"))
async def test_any_llm_is_read_again_also_in_the_place_of_another(
    store: Store, first: LLM, second: LLM
) -> None:
    await add(store, first)
    async with store.reading() as view:
        # By repr, in which 1, 1.0 and True are three values.
        assert repr(await view.llms.get(SCOPE, "llm")) == repr(first)
    async with store.writing() as work:
        await work.llms.replace(second)
    async with store.reading() as view:
        assert repr(await view.llms.get(SCOPE, "llm")) == repr(second)
    async with store.writing() as work:
        await work.llms.remove(second)
    async with store.reading() as view:
        assert await view.llms.get(SCOPE, "llm") is None


@SHARED
@given(name=texts, other=texts)
async def test_a_name_is_found_exactly_as_it_is_written(
    store: Store, name: str, other: str
) -> None:
    llm = named_llm("llm", name)
    async with store.writing(keep=False) as work:
        await work.llms.add(llm)
        found = await work.llms.named(SCOPE, other, limit=10)
        assert [each.id for each in found] == (["llm"] if other == name else [])
        assert await work.llms.bearers("org", other) == (["llm"] if other == name else [])


async def test_no_more_are_found_than_were_asked_for(store: Store) -> None:
    await add(store, *(named_llm(f"llm-{number}", "twin") for number in range(4)))
    async with store.reading() as view:
        assert [llm.id for llm in await view.llms.all(SCOPE, limit=2)] == ["llm-3", "llm-2"]
        named = [llm.id for llm in await view.llms.named(SCOPE, "twin", limit=3)]
        assert len(named) == 3
        assert named == sorted(named, reverse=True)


# --- How far a scope sees ----------------------------------------------------------------------

MINE = named_llm("mine", "same name")
COLLEAGUES = msgspec.structs.replace(named_llm("theirs", "same name"), owner_id="colleague")
FOREIGN = msgspec.structs.replace(MINE, organization_id="other")
SHARED_BY_ALL = msgspec.structs.replace(
    named_llm("shared", "same name"), organization_id=PLATFORM_ORGANIZATION_ID
)


@pytest.mark.parametrize(
    ("scope", "own"),
    [
        (Scope("org", None), [COLLEAGUES, MINE]),
        (Scope("org", "principal"), [MINE]),
        (Scope("org", "colleague"), [COLLEAGUES]),
        (Scope("org", "nobody"), []),
        (Scope("other", None), [FOREIGN]),
        (Scope("other", "colleague"), []),
        (Scope("nowhere", None), []),
    ],
)
async def test_a_scope_reaches_its_organization_its_owner_and_the_platform(
    store: Store, scope: Scope, own: list[LLM]
) -> None:
    await add(store, MINE, COLLEAGUES, FOREIGN, SHARED_BY_ALL)
    visible = sorted([*own, SHARED_BY_ALL], key=lambda llm: llm.id, reverse=True)
    async with store.reading() as view:
        assert await view.llms.all(scope, limit=10) == visible
        assert await view.llms.named(scope, "same name", limit=10) == visible
        assert list((await view.llms.page(scope, LLMQuery())).items) == visible
        without = LLMQuery(include_platform=False, counted=True)
        page = await view.llms.page(scope, without)
        assert (list(page.items), page.total) == (own, len(own))
        for llm in (MINE, COLLEAGUES, FOREIGN, SHARED_BY_ALL):
            seen = [each for each in visible if each.id == llm.id]
            assert await view.llms.get(scope, llm.id) == (seen[0] if seen else None)


async def test_an_organizations_own_stands_before_the_platforms_of_the_same_id(
    store: Store,
) -> None:
    platforms = msgspec.structs.replace(MINE, organization_id=PLATFORM_ORGANIZATION_ID)
    await add(store, MINE, platforms)
    async with store.reading() as view:
        assert await view.llms.get(Scope("org", None), "mine") == MINE
        assert await view.llms.get(Scope("other", None), "mine") == platforms


async def test_secrets_and_labels_of_equal_ids_are_not_mixed_up(store: Store) -> None:
    theirs = msgspec.structs.replace(
        FULL_LLM,
        organization_id="other",
        exclusive_key=None,
        headers=FULL_LLM.headers[:1],
        configuration=msgspec.structs.replace(FULL_LLM.configuration, labels={"env": "test"}),
    )
    await add(store, FULL_LLM, theirs)
    async with store.writing() as work:
        await work.llms.replace(msgspec.structs.replace(theirs, credential=None))
    async with store.reading() as view:
        assert await view.llms.get(SCOPE, "llm") == FULL_LLM
    async with store.writing() as work:
        await work.llms.remove(theirs)
    async with store.reading() as view:
        assert await view.llms.get(SCOPE, "llm") == FULL_LLM
        assert await view.llms.get(Scope("other", None), "llm") is None


# --- What may be there once --------------------------------------------------------------------

KEY, ANOTHER_KEY = b"\1" * 32, b"\2" * 32
HOLDER = msgspec.structs.replace(
    named_llm("holder", "held"), exclusive_key=KEY, exclusive_name="held"
)
REFUSED = {
    "the same id": msgspec.structs.replace(HOLDER, exclusive_key=None, exclusive_name=None),
    "the key": msgspec.structs.replace(named_llm("new", "x"), exclusive_key=KEY),
    "the key elsewhere": msgspec.structs.replace(FOREIGN, exclusive_key=KEY),
    "the name": msgspec.structs.replace(named_llm("new", "x"), exclusive_name="held"),
    "no organization": msgspec.structs.replace(named_llm("new", "x"), organization_id="nowhere"),
}
TAKEN = {
    "another key": msgspec.structs.replace(named_llm("new", "held"), exclusive_key=ANOTHER_KEY),
    "no key": named_llm("new", "held"),
    "the name elsewhere": msgspec.structs.replace(FOREIGN, exclusive_name="held"),
    "the id elsewhere": msgspec.structs.replace(FOREIGN, id="holder"),
}


@pytest.mark.parametrize("llm", REFUSED.values(), ids=REFUSED)
async def test_what_has_to_be_unique_is_refused_and_nothing_changes(
    engine: Engine, llm: LLM
) -> None:
    await add(engine.store, HOLDER)
    with pytest.raises(engine.refusal):
        await add(engine.store, named_llm("before", "before"), llm)
    async with engine.store.reading() as view:
        assert await view.llms.all(SCOPE, limit=10) == [HOLDER]


@pytest.mark.parametrize("llm", TAKEN.values(), ids=TAKEN)
async def test_what_need_not_be_unique_is_taken(store: Store, llm: LLM) -> None:
    await add(store, HOLDER, llm)
    async with store.reading() as view:
        assert await view.llms.get(Scope(llm.organization_id, None), llm.id) == llm


@pytest.mark.parametrize("name", ["the key", "the name"])
async def test_a_change_is_refused_like_a_new_one(engine: Engine, name: str) -> None:
    await add(engine.store, HOLDER, named_llm("new", "x"))
    with pytest.raises(engine.refusal):
        async with engine.store.writing() as work:
            await work.llms.replace(REFUSED[name])
    async with engine.store.writing() as work:
        await work.llms.replace(
            msgspec.structs.replace(HOLDER, exclusive_key=None, exclusive_name=None)
        )
        await work.llms.replace(REFUSED[name])


async def test_what_is_gone_holds_nothing_any_more(store: Store) -> None:
    await add(store, HOLDER)
    async with store.writing() as work:
        await work.llms.remove(HOLDER)
        await work.llms.add(msgspec.structs.replace(HOLDER, id="heir"))


async def test_connections_are_found_within_one_organization(store: Store) -> None:
    mine, twin, theirs = (
        msgspec.structs.replace(llm, connection_key=KEY) for llm in (MINE, COLLEAGUES, FOREIGN)
    )
    other = msgspec.structs.replace(named_llm("llm", "x"), connection_key=ANOTHER_KEY)
    await add(store, mine, twin, theirs, other, named_llm("bare", "x"))
    async with store.writing() as work:
        found = await work.llms.connected("org", KEY)
        assert sorted(llm.id for llm in found) == ["mine", "theirs"]
        assert await work.llms.connected("other", KEY) == [theirs]
        assert await work.llms.connected("org", b"\3" * 32) == []


async def test_what_has_no_fingerprint_yet_is_found_in_every_organization(store: Store) -> None:
    known = msgspec.structs.replace(COLLEAGUES, connection_key=KEY)
    await add(store, MINE, known, FOREIGN, SHARED_BY_ALL)
    async with store.writing() as work:
        found = await work.llms.unfingerprinted(limit=10)
        assert len(found) == 3
        assert known not in found
        assert len(await work.llms.unfingerprinted(limit=2)) == 2
