"""What is stored is read again as it was: every column, every member, every character."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.domain.credential import Credential, Placement, SecretReference
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM
from dragoman.domain.page import AuditQuery, LLMQuery, PageQuery
from dragoman.domain.principal import Organization, Scope
from dragoman.storage.database import Database
from dragoman.storage.tables import metadata
from dragoman.storage.unit_of_work import SqlStore
from tests.storage.samples import (
    API_KEY,
    AUDIT_ENTRY,
    DEPLOYMENT,
    FULL_LLM,
    GRANT,
    ORGANIZATION,
    PRINCIPAL,
    SCOPE,
    llms,
    named_llm,
    texts,
)

SHARED = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
"""The database is shared by all examples; each one leaves it empty."""


HELD_ELSEWHERE = msgspec.structs.replace(
    FULL_LLM,
    id="other",
    credential=Credential(
        Placement("authorization", "Bearer "),
        4,
        held=SecretReference("vault://kv/team#key", {"version": "latest"}),
        labels={"of": "the operator"},
    ),
    headers=(),
    exclusive_key=None,
    exclusive_name=None,
)
"""Its secret is the operator's."""


async def test_every_column_is_written(store: SqlStore, database: Database) -> None:
    async with store.writing() as work:
        await work.principals.add_principal(PRINCIPAL)
        await work.principals.add_key(API_KEY)
        await work.deployment.add(DEPLOYMENT)
        await work.llms.add(FULL_LLM)
        await work.llms.add(HELD_ELSEWHERE)
        await work.grants.add(GRANT)
        await work.audit.record(AUDIT_ENTRY)
    for table in metadata.sorted_tables:
        async with database.read() as transaction:
            columns = ", ".join(column.name for column in table.columns)
            rows = await transaction.fetch(f"SELECT {columns} FROM {table.name}", {})  # noqa: S608
        names = table.columns.keys()
        empty = [name for name, *values in zip(names, *rows, strict=True) if not any(values)]
        assert rows, table.name
        assert empty == (["enabled"] if table.name == "llms" else []), table.name


async def test_every_member_of_the_smaller_things_is_read_again(store: SqlStore) -> None:
    async with store.writing() as work:
        await work.principals.add_principal(PRINCIPAL)
        await work.principals.add_key(API_KEY)
        await work.deployment.add(DEPLOYMENT)
    async with store.reading() as work:
        assert await work.principals.organization("org") == ORGANIZATION
        assert await work.principals.organization_named("default") == ORGANIZATION
        assert await work.principals.by_digest(API_KEY.digest) == (API_KEY, PRINCIPAL)
        assert (await work.principals.keys("org", PageQuery())).items == ((API_KEY, PRINCIPAL),)
        assert (await work.principals.principals("org", PageQuery())).items == (PRINCIPAL,)
        assert (await work.principals.organizations(PageQuery())).items == (ORGANIZATION,)
        assert await work.deployment.get() == DEPLOYMENT


async def test_the_audit_trail_keeps_every_member_and_gives_it_the_next_number(
    store: SqlStore,
) -> None:
    async with store.writing() as work:
        await work.deployment.add(DEPLOYMENT)
        assert await work.audit.record(AUDIT_ENTRY) == 1
    numbered = msgspec.structs.replace(AUDIT_ENTRY, revision=1)
    async with store.reading() as work:
        assert (await work.audit.page("org", AuditQuery())).items == (numbered,)


AS_CALLED = msgspec.structs.replace(
    FULL_LLM,
    credential=None,
    headers=(),
    configuration=msgspec.structs.replace(
        FULL_LLM.configuration, description=None, tags=(), metadata={}
    ),
)


async def test_what_the_operator_holds_is_read_again(store: SqlStore) -> None:
    async with store.writing() as work:
        await work.llms.add(HELD_ELSEWHERE)
        await work.grants.add(GRANT)
    async with store.reading() as work:
        assert await work.llms.get(SCOPE, "other") == HELD_ELSEWHERE
        assert await work.grants.of("org") == await work.grants.all() == [GRANT]
        assert await work.grants.of("another") == []
        assert await work.deployment.kek_ids() == set()
    async with store.writing() as work:
        await work.grants.remove(GRANT)
        assert await work.grants.all() == []


async def test_a_full_llm_is_read_again(store: SqlStore) -> None:
    async with store.writing() as work:
        await work.llms.add(FULL_LLM)
    async with store.reading() as work:
        assert await work.llms.get(SCOPE, "llm") == FULL_LLM
        assert await work.llms.named(SCOPE, "My LLM", limit=10) == [AS_CALLED]
        assert await work.llms.all(SCOPE, limit=10) == [AS_CALLED]
        assert (await work.llms.page(SCOPE, LLMQuery())).items == (FULL_LLM,)
        assert await work.deployment.kek_ids() == {"kek_1", "kek_2"}


@SHARED
@given(first=llms("llm"), second=llms("llm"))
async def test_any_llm_is_read_again_also_in_the_place_of_another(
    store: SqlStore, first: LLM, second: LLM
) -> None:
    async with store.writing() as work:
        await work.llms.add(first)
    async with store.reading() as work:
        # By repr, in which 1, 1.0 and True are three values.
        assert repr(await work.llms.get(SCOPE, "llm")) == repr(first)
    async with store.writing() as work:
        await work.llms.replace(second)
    async with store.reading() as work:
        assert repr(await work.llms.get(SCOPE, "llm")) == repr(second)
        sealed = [header.sealed for header in second.headers]
        if second.credential and second.credential.sealed:
            sealed.append(second.credential.sealed)
        assert await work.deployment.kek_ids() == {each.kek_id for each in sealed}
    async with store.writing() as work:
        await work.llms.remove(second)
    async with store.reading() as work:
        assert await work.llms.get(SCOPE, "llm") is None


@SHARED
@given(name=texts, other=texts)
async def test_a_name_is_found_exactly_as_it_is_written(
    store: SqlStore, name: str, other: str
) -> None:
    llm = named_llm("llm", name)
    async with store.writing() as work:
        await work.llms.add(llm)
        assert await work.llms.named(SCOPE, other, limit=10) == ([llm] if other == name else [])
        await work.llms.remove(llm)


# --- Searching -------------------------------------------------------------------------------


async def found(store: SqlStore, search: str) -> list[str]:
    async with store.reading() as work:
        page = await work.llms.page(SCOPE, LLMQuery(search=search, limit=100, counted=True))
    assert page.total == len(page.items)
    return sorted(llm.configuration.display_name for llm in page.items)


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("%", ["100%"]),
        ("_", ["a_b"]),
        ("a_b", ["a_b"]),
        ("a%b", []),
        ("\\", ["back\\slash"]),
        ("\\%", []),
        ("GRÖSSE", ["Größe"]),
        ("größe", ["Größe"]),
        ("İ", ["İstanbul"]),
        ("AXB", ["axb"]),
        ("'; DROP TABLE llms; --", []),
        ("hidden in a description", ["axb"]),
        ("Some-Model", ["a_b"]),
    ],
)
async def test_a_search_takes_every_character_as_itself_and_no_case(
    store: SqlStore, search: str, names: list[str]
) -> None:
    async with store.writing() as work:
        for number, name in enumerate(("100%", "a_b", "axb", "back\\slash", "Größe", "İstanbul")):
            members = {
                "a_b": {"model": "some-model"},
                "axb": {"description": "Hidden in a description"},
            }
            await work.llms.add(named_llm(f"llm-{number}", name, **members.get(name, {})))
    assert await found(store, search) == names


without_nul = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)


@SHARED
@given(before=without_nul, part=without_nul.filter(bool), after=without_nul)
async def test_any_part_of_a_name_finds_it(
    store: SqlStore, before: str, part: str, after: str
) -> None:
    llm = named_llm("llm", before + part + after)
    async with store.writing() as work:
        await work.llms.add(llm)
    assert await found(store, part) == [llm.configuration.display_name]
    async with store.writing() as work:
        await work.llms.remove(llm)


# --- Scopes and pages ------------------------------------------------------------------------


async def test_a_scope_reaches_its_organization_its_owner_and_the_platform(
    store: SqlStore,
) -> None:
    platform = Organization(PLATFORM_ORGANIZATION_ID, "platform", 1)
    other = Organization("other", "other", 1)
    mine = named_llm("mine", "same name")
    colleagues = msgspec.structs.replace(named_llm("theirs", "same name"), owner_id="colleague")
    foreign = msgspec.structs.replace(mine, organization_id="other")
    shared = msgspec.structs.replace(named_llm("shared", "same name"), organization_id=platform.id)
    async with store.writing() as work:
        await work.principals.add_organization(platform)
        await work.principals.add_organization(other)
        for llm in (mine, colleagues, foreign, shared):
            await work.llms.add(llm)
    async with store.reading() as work:
        reaches = {
            Scope("org", None): [colleagues, shared, mine],
            Scope("org", "principal"): [shared, mine],
            Scope("org", "nobody"): [shared],
            Scope("other", None): [shared, foreign],
        }
        for scope, expected in reaches.items():
            assert await work.llms.all(scope, limit=10) == expected
            assert await work.llms.named(scope, "same name", limit=10) == expected
            assert list((await work.llms.page(scope, LLMQuery())).items) == expected
        without = LLMQuery(include_platform=False)
        assert (await work.llms.page(Scope("org", None), without)).items == (colleagues, mine)
        assert await work.llms.get(Scope("org", None), "mine") == mine
        assert await work.llms.get(Scope("other", None), "mine") == foreign


async def test_pages_are_newest_first_and_leave_nothing_out(store: SqlStore) -> None:
    async with store.writing() as work:
        for number in range(7):
            llm = named_llm(f"llm-{number}", f"{number}")
            await work.llms.add(msgspec.structs.replace(llm, created_at_ms=number // 2))
    names: list[str] = []
    async with store.reading() as work:
        for offset in range(0, 9, 3):
            page = await work.llms.page(SCOPE, LLMQuery(offset=offset, limit=3, counted=True))
            assert page.total == 7
            names += [llm.configuration.display_name for llm in page.items]
    assert names == ["6", "5", "4", "3", "2", "1", "0"]
