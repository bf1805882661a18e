"""What a store promises of organizations, principals and API keys."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from dragoman.domain.page import PageQuery
from dragoman.domain.ports import ReadWork, Store
from dragoman.domain.principal import ApiKey, Organization, Principal, Role
from tests.contracts.conftest import COLLEAGUE, OTHER, PLATFORM, STRANGER, Engine
from tests.storage.samples import API_KEY, FULL_LLM, ORGANIZATION, PRINCIPAL


def a_key(number: int, **members: Any) -> ApiKey:
    key = ApiKey(f"key-{number}", "org", "principal", "laptop", bytes([number]) * 32, number)
    return msgspec.structs.replace(key, **members)


async def add_keys(store: Store, *keys: ApiKey) -> None:
    async with store.writing() as work:
        for key in keys:
            await work.principals.add_key(key)


async def test_every_member_is_read_again(store: Store) -> None:
    await add_keys(store, API_KEY)
    async with store.reading() as view:
        principals = view.principals
        assert await principals.organization("org") == ORGANIZATION
        assert await principals.organization_named("default") == ORGANIZATION
        assert await principals.principal("org", "principal") == PRINCIPAL
        assert await principals.key("org", "key") == (API_KEY, PRINCIPAL)
        assert await principals.by_digest(API_KEY.digest) == (API_KEY, PRINCIPAL)
        assert await principals.keys_named("org", "laptop") == [API_KEY]


@pytest.mark.parametrize("permissions", [None, (), ("llm:use:any",)])
async def test_a_key_without_permissions_is_not_one_with_all(
    store: Store, permissions: tuple[str, ...] | None
) -> None:
    key = a_key(1, permissions=permissions)
    await add_keys(store, key)
    async with store.reading() as view:
        assert await view.principals.key("org", "key-1") == (key, PRINCIPAL)


async def test_nothing_is_seen_from_another_organization(store: Store) -> None:
    await add_keys(store, API_KEY)
    async with store.reading() as view:
        principals = view.principals
        assert await principals.principal("other", "principal") is None
        assert await principals.key("other", "key") is None
        assert (await principals.keys("other", PageQuery())).items == ()
        assert await principals.keys_named("other", "laptop") == []
        assert (await principals.principals("other", PageQuery())).items == (STRANGER,)


async def test_what_is_not_there_is_none(store: Store) -> None:
    async with store.reading() as view:
        assert await view.principals.organization("nothing") is None
        assert await view.principals.organization_named("Default") is None
        assert await view.principals.principal("org", "nothing") is None
        assert await view.principals.by_digest(b"\0" * 32) is None


async def test_an_organization_is_renamed(store: Store) -> None:
    renamed = msgspec.structs.replace(ORGANIZATION, name="renamed")
    async with store.writing() as work:
        await work.principals.replace_organization(renamed)
    async with store.reading() as view:
        assert await view.principals.organization("org") == renamed
        assert await view.principals.organization_named("renamed") == renamed
        assert await view.principals.organization_named("default") is None
        assert await view.principals.organization("other") == OTHER


async def test_a_principal_changes_name_and_role_in_its_organization_only(store: Store) -> None:
    changed = msgspec.structs.replace(PRINCIPAL, name="Grace", role=Role.CALLER)
    astray = msgspec.structs.replace(COLLEAGUE, organization_id="other", role=Role.CALLER)
    async with store.writing() as work:
        await work.principals.replace_principal(changed)
        await work.principals.replace_principal(astray)
    async with store.reading() as view:
        assert await view.principals.principal("org", "principal") == changed
        assert await view.principals.principal("org", "colleague") == COLLEAGUE


async def test_removing_a_principal_ends_its_keys_and_no_others(store: Store) -> None:
    await add_keys(store, a_key(1), a_key(2), a_key(3, principal_id="colleague"))
    async with store.writing() as work:
        await work.principals.remove_principal(PRINCIPAL)
    async with store.reading() as view:
        assert await view.principals.principal("org", "principal") is None
        assert await view.principals.by_digest(a_key(1).digest) is None
        assert await view.principals.key("org", "key-2") is None
        left = (await view.principals.keys("org", PageQuery())).items
        assert left == ((a_key(3, principal_id="colleague"), COLLEAGUE),)


async def test_a_principal_owns_what_is_its_own_in_its_organization(store: Store) -> None:
    elsewhere = msgspec.structs.replace(PRINCIPAL, organization_id="other")
    async with store.writing() as work:
        assert not await work.principals.owns_llms(PRINCIPAL)
        await work.llms.add(FULL_LLM)
        assert await work.principals.owns_llms(PRINCIPAL)
        assert not await work.principals.owns_llms(COLLEAGUE)
        assert not await work.principals.owns_llms(elsewhere)
        await work.llms.remove(FULL_LLM)
        assert not await work.principals.owns_llms(PRINCIPAL)


async def test_a_revoked_key_keeps_the_time_of_its_first_end(store: Store) -> None:
    await add_keys(store, a_key(1), a_key(2))
    async with store.writing() as work:
        await work.principals.revoke_key(a_key(1), 10)
        await work.principals.revoke_key(a_key(1), 20)
    async with store.reading() as view:
        assert await view.principals.key("org", "key-1") == (
            a_key(1, revoked_at_ms=10),
            PRINCIPAL,
        )
        assert await view.principals.key("org", "key-2") == (a_key(2), PRINCIPAL)
        assert len(await view.principals.keys_named("org", "laptop")) == 2


TAKEN: list[Callable[[Store], Awaitable[None]]] = []


def taken(attempt: Callable[[Store], Awaitable[None]]) -> Callable[[Store], Awaitable[None]]:
    TAKEN.append(attempt)
    return attempt


@taken
async def organization_id(store: Store) -> None:
    async with store.writing() as work:
        await work.principals.add_organization(Organization("org", "unheard of", 1))


@taken
async def organization_name(store: Store) -> None:
    async with store.writing() as work:
        await work.principals.add_organization(Organization("new", "default", 1))


@taken
async def organization_renamed(store: Store) -> None:
    async with store.writing() as work:
        await work.principals.replace_organization(Organization("other", "default", 1))


@taken
async def principal_id(store: Store) -> None:
    async with store.writing() as work:
        await work.principals.add_principal(Principal("principal", "other", "x", Role.ADMIN, 1))


@taken
async def key_id(store: Store) -> None:
    await add_keys(store, a_key(1, digest=b"\xff" * 32))


@taken
async def key_digest(store: Store) -> None:
    await add_keys(store, a_key(2, digest=a_key(1).digest))


@taken
async def key_of_nobody(store: Store) -> None:
    await add_keys(store, a_key(2, principal_id="nobody"))


@taken
async def principal_of_no_organization(store: Store) -> None:
    async with store.writing() as work:
        await work.principals.add_principal(Principal("new", "nowhere", "x", Role.ADMIN, 1))


@pytest.mark.parametrize("attempt", TAKEN, ids=lambda attempt: attempt.__name__)
async def test_a_constraint_refuses_it_and_nothing_changes(
    engine: Engine, attempt: Callable[[Store], Awaitable[None]]
) -> None:
    await add_keys(engine.store, a_key(1))
    with pytest.raises(engine.refusal):
        await attempt(engine.store)
    async with engine.store.reading() as view:
        organizations = (await view.principals.organizations(PageQuery())).items
        assert organizations == (PLATFORM, OTHER, ORGANIZATION)
        assert (await view.principals.principals("org", PageQuery())).items == (
            COLLEAGUE,
            PRINCIPAL,
        )
        assert (await view.principals.keys("org", PageQuery())).items == ((a_key(1), PRINCIPAL),)


# --- Pages -----------------------------------------------------------------------------------


async def _ids_of_keys(view: ReadWork, query: PageQuery) -> tuple[list[str], Any]:
    page = await view.principals.keys("org", query)
    return [key.id for key, _ in page.items], page.next


async def _ids_of_principals(view: ReadWork, query: PageQuery) -> tuple[list[str], Any]:
    page = await view.principals.principals("org", query)
    return [each.id for each in page.items], page.next


async def _ids_of_organizations(view: ReadWork, query: PageQuery) -> tuple[list[str], Any]:
    page = await view.principals.organizations(query)
    return [each.id for each in page.items], page.next


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize("read", [_ids_of_keys, _ids_of_principals, _ids_of_organizations])
async def test_pages_are_newest_first_and_leave_nothing_out(
    store: Store, read: Callable[..., Awaitable[tuple[list[str], Any]]], size: int
) -> None:
    async with store.writing() as work:
        for number in range(5):
            at_ms = 1_800_000_000_000 + number // 2
            new = Principal(f"p-{number}", "org", "x", Role.VIEWER, at_ms)
            await work.principals.add_principal(new)
            organization = Organization(f"o-{number}", f"o-{number}", at_ms)
            await work.principals.add_organization(organization)
            key = a_key(number, principal_id=new.id, created_at_ms=at_ms)
            await work.principals.add_key(key)
    async with store.reading() as view:
        whole, end = await read(view, PageQuery(limit=100))
        assert end is None
        assert [name[-1] for name in whole][:5] == ["4", "3", "2", "1", "0"]
        found: list[str] = []
        query = PageQuery(limit=size)
        while query is not None:
            ids, after = await read(view, query)
            found += ids
            if after is None:
                break
            query = PageQuery(limit=size, after=after)
        assert found == whole
