"""Nobody gains anything by making keys and principals: whatever they try, and in what order."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.authz.check import Actor, actor, require
from dragoman.authz.policy import PERMISSIONS, Action, Administration
from dragoman.domain.deployment import Deployment
from dragoman.domain.errors import CallerError, Forbidden
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM
from dragoman.domain.ports import Store
from dragoman.domain.principal import ApiKey, Organization, Principal, Role
from dragoman.registry.keys import KeyDraft, Keys
from dragoman.registry.principals import Principals
from dragoman.vault import api_key
from tests.fakes.store import FakeStore
from tests.registry.installation import ORGANIZATION_ID, SetClock, a_configuration

ADA = "01a00000-0000-7000-8000-00000000000a"
"""Whose key tries to gain something."""
BOB = "01a00000-0000-7000-8000-00000000000b"
"""Who owns LLMs too."""

roles = st.sampled_from(Role)
subsets = st.none() | st.sets(st.sampled_from(PERMISSIONS)).map(lambda held: tuple(sorted(held)))
drafts = st.builds(KeyDraft, name=st.just("new"), role=roles, permissions=subsets) | st.builds(
    KeyDraft, name=st.just("new"), principal_id=st.sampled_from([ADA, BOB]), permissions=subsets
)
promotions = st.tuples(st.sampled_from([ADA, BOB]), roles)


@st.composite
def attempts(draw: st.DrawFn) -> tuple[tuple[str, ...] | None, KeyDraft]:
    """Give what an administrator's key holds, and a key that it asks for: often a part of that."""
    several = st.sets(st.sampled_from(PERMISSIONS), max_size=4)
    held = draw(st.none() | several.map(lambda some: {*some, Administration.ORGANIZATION}))
    part = st.sets(st.sampled_from(sorted(held or PERMISSIONS)))
    asked = draw(part.map(lambda some: tuple(sorted(some))) | subsets)
    draft = msgspec.structs.replace(draw(drafts), permissions=asked)
    return None if held is None else tuple(sorted(held)), draft


def powers(who: Actor) -> Iterator[str]:
    """List what somebody can do to Ada's LLMs, Bob's and the organization."""
    yield from who.permissions & frozenset(Administration)
    for action in Action:
        for owner in (ADA, BOB):
            llm = LLM(
                id="llm",
                organization_id=who.organization_id,
                owner_id=owner,
                configuration=a_configuration(),
                created_at_ms=0,
                created_by=owner,
            )
            try:
                require(who, action, llm)
            except Forbidden:
                continue
            yield f"{action} what is {owner}'s"


async def prepared(bobs_role: Role) -> FakeStore:
    store = FakeStore()
    async with store.writing() as work:
        await work.deployment.add(Deployment("deployment", 0))
        await work.principals.add_organization(Organization(ORGANIZATION_ID, "acme", 0))
        await work.principals.add_organization(Organization(PLATFORM_ORGANIZATION_ID, "p", 0))
        await work.principals.add_principal(Principal(ADA, ORGANIZATION_ID, "Ada", Role.ADMIN, 0))
        await work.principals.add_principal(Principal(BOB, ORGANIZATION_ID, "Bob", bobs_role, 0))
    return store


async def as_it_is_now(store: Store, text: str, readers: frozenset[Role]) -> Actor:
    async with store.reading() as work:
        found = await work.principals.by_digest(api_key.digest(text))
    assert found is not None
    return actor(*found, readers)


@settings(max_examples=400)
@given(
    attempt=attempts(),
    bobs_role=roles,
    promoted=st.lists(promotions, max_size=2),
    readers=st.frozensets(roles),
)
def test_no_key_that_somebody_makes_can_do_what_they_cannot(
    attempt: tuple[tuple[str, ...] | None, KeyDraft],
    bobs_role: Role,
    promoted: list[tuple[str, Role]],
    readers: frozenset[Role],
) -> None:
    held, draft = attempt

    async def run() -> None:
        store = await prepared(bobs_role)
        clock = SetClock()
        keys = Keys(store=store, clock=clock, credential_readers=readers)
        principals = Principals(store=store, clock=clock, credential_readers=readers)
        key = ApiKey("key", ORGANIZATION_ID, ADA, "key", b"", 0, held)
        ada = actor(key, Principal(ADA, ORGANIZATION_ID, "Ada", Role.ADMIN, 0), readers)
        before = set(powers(ada))
        try:
            new = await keys.create(ada, draft)
        except CallerError:
            return
        assert set(powers(actor(new.key, new.principal, readers))) <= before
        for principal_id, role in [*promoted, (new.principal.id, Role.ADMIN)]:
            with suppress(CallerError):
                await principals.update(ada, principal_id, role=role)
            assert set(powers(await as_it_is_now(store, new.text, readers))) <= before

    asyncio.run(run())


@given(held=subsets, role=roles, draft=drafts)
def test_whoever_does_not_administer_makes_nothing(
    held: tuple[str, ...] | None, role: Role, draft: KeyDraft
) -> None:
    async def run() -> None:
        store = await prepared(Role.ADMIN)
        clock = SetClock()
        keys, principals = Keys(store=store, clock=clock), Principals(store=store, clock=clock)
        key = ApiKey("key", ORGANIZATION_ID, ADA, "key", b"", 0, held)
        ada = actor(key, Principal(ADA, ORGANIZATION_ID, "Ada", role, 0))
        if Administration.ORGANIZATION in ada.permissions:
            return
        for organization_id in (None, ORGANIZATION_ID, PLATFORM_ORGANIZATION_ID):
            for attempt in (
                keys.create(ada, draft, organization_id),
                principals.create(ada, "new", Role.CALLER, organization_id),
                principals.update(ada, BOB, name="x", organization_id=organization_id),
                principals.delete(ada, BOB, organization_id),
            ):
                try:
                    await attempt
                except Forbidden:
                    continue
                raise AssertionError("it was allowed")

    asyncio.run(run())
