"""What a new API key can be asked to be: when it ends, whose it is, and what it may do."""

import msgspec
import pytest

from dragoman.authz.check import Actor, operator
from dragoman.authz.policy import ROLES
from dragoman.domain.errors import Forbidden, Invalid, NotFound, Unauthenticated
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.page import PageQuery
from dragoman.domain.principal import Role
from dragoman.registry.keys import KeyDraft
from tests.registry.installation import NOON_MS, ORGANIZATION_ID, Installation, a_draft
from tests.registry.test_organizations import another, operating

NOTHING = "01a00000-0000-7000-8000-000000000000"


async def problem(installation: Installation, who: Actor, draft: KeyDraft) -> tuple[object, str]:
    """Try to make it; gives where the refusal points, and why."""
    before = [installation.count(table) for table in ("api_keys", "principals", "audit")]
    with pytest.raises(Invalid) as refused:
        await installation.keys.create(who, draft, ORGANIZATION_ID)
    after = [installation.count(table) for table in ("api_keys", "principals", "audit")]
    assert after == before
    [found] = refused.value.problems
    return found.path, found.code


# --- When it ends --------------------------------------------------------------------------------


async def test_a_key_ends_at_its_time(installation: Installation) -> None:
    admin = await installation.acting()
    draft = KeyDraft(name="k", role=Role.CALLER, expires_at_ms=NOON_MS + 1000)
    new = await installation.keys.create(admin, draft)
    assert new.key.expires_at_ms == NOON_MS + 1000
    who = await installation.authenticator.authenticate([new.text])
    assert who.expires_at_ms == NOON_MS + 1000
    installation.clock.time_ms = NOON_MS + 1000
    with pytest.raises(Unauthenticated):
        await installation.authenticator.authenticate([new.text])


async def test_a_key_that_ends_makes_none_that_ends_later(installation: Installation) -> None:
    end_ms = NOON_MS + 1000
    admin = msgspec.structs.replace(await installation.acting(), expires_at_ms=end_ms)
    for later in (None, end_ms + 1):
        draft = KeyDraft(name="k", role=Role.CALLER, expires_at_ms=later)
        assert await problem(installation, admin, draft) == (("expires_at",), "beyond_maker")
    draft = KeyDraft(name="k", role=Role.CALLER, expires_at_ms=end_ms)
    assert (await installation.keys.create(admin, draft)).key.expires_at_ms == end_ms


@pytest.mark.parametrize("expires_at_ms", [NOON_MS, NOON_MS - 1, 0, -1])
async def test_a_key_that_has_ended_already_is_not_made(
    installation: Installation, expires_at_ms: int
) -> None:
    draft = KeyDraft(name="k", role=Role.CALLER, expires_at_ms=expires_at_ms)
    found = await problem(installation, operator(), draft)
    assert found == (("expires_at",), "invalid")


# --- Whose it is ---------------------------------------------------------------------------------


async def test_a_key_can_be_a_second_one_of_a_principal(installation: Installation) -> None:
    admin, first = await installation.acting(), await installation.new_key(Role.EDITOR)
    draft = KeyDraft(name="second", principal_id=first.principal.id)
    second = await installation.keys.create(admin, draft)
    assert second.principal == first.principal
    one = await installation.authenticator.authenticate([first.text])
    other = await installation.authenticator.authenticate([second.text])
    llm = await installation.llms.create(one, a_draft())
    await installation.llms.delete(other, llm.id)
    rows = installation.rows(
        "SELECT key_id FROM audit WHERE target_id = ? ORDER BY revision", llm.id
    )
    assert rows == [(first.key.id,), (second.key.id,)]


async def test_whose_it_is_has_to_be_said_once(installation: Installation) -> None:
    admin = await installation.acting()
    for draft in (
        KeyDraft(name="k"),
        KeyDraft(name="k", principal_id=admin.principal_id, role=Role.CALLER),
    ):
        assert await problem(installation, admin, draft) == (("principal_id",), "conflict")


async def test_a_principal_of_another_organization_is_as_unknown_as_any(
    installation: Installation,
) -> None:
    other = await another(installation)
    theirs = await installation.acting(organization_id=other.id)
    for principal_id in (theirs.principal_id, NOTHING):
        for who in (await installation.acting(), operator()):
            draft = KeyDraft(name="k", principal_id=principal_id)
            found = await problem(installation, who, draft)
            assert found == (("principal_id",), "not_found")


# --- What it may do ------------------------------------------------------------------------------


async def test_a_key_may_do_a_part_of_what_its_role_allows(installation: Installation) -> None:
    admin = await installation.acting()
    asked = ("llm:use:any", "llm:list:any", "llm:use:any")
    new = await installation.keys.create(
        admin, KeyDraft(name="k", role=Role.ADMIN, permissions=asked)
    )
    assert new.key.permissions == ("llm:list:any", "llm:use:any")
    who = await installation.authenticator.authenticate([new.text])
    assert who.permissions == set(asked)
    with pytest.raises(Forbidden):
        await installation.llms.create(who, a_draft())
    with pytest.raises(Forbidden):
        await installation.keys.page(who, PageQuery())


async def test_a_part_stays_a_part_when_the_role_grows_and_shrinks_with_it(
    installation: Installation,
) -> None:
    admin = await installation.acting()
    draft = KeyDraft(name="k", role=Role.EDITOR, permissions=("llm:list:any", "llm:create:own"))
    new = await installation.keys.create(admin, draft)
    for role, held in (
        (Role.ADMIN, {"llm:list:any", "llm:create:own"}),
        (Role.CALLER, {"llm:list:any"}),
    ):
        await installation.principals.update(admin, new.principal.id, role=role)
        installation.authenticator.forget()
        who = await installation.authenticator.authenticate([new.text])
        assert who.permissions == held


async def test_what_is_no_permission_or_beyond_the_role_is_refused(
    installation: Installation,
) -> None:
    unknown = KeyDraft(name="k", role=Role.ADMIN, permissions=("llm:use:any", "llm:fly:any"))
    found = await problem(installation, operator(), unknown)
    assert found == (("permissions", 1), "unknown")
    beyond = KeyDraft(name="k", role=Role.CALLER, permissions=("llm:use:any", "llm:create:own"))
    found = await problem(installation, operator(), beyond)
    assert found == (("permissions",), "beyond_role")


@pytest.mark.parametrize("permission", ["platform:operate", "organization:administer"])
async def test_the_name_of_a_permission_is_not_a_way_to_it(
    installation: Installation, permission: str
) -> None:
    draft = KeyDraft(name="k", role=Role.CALLER, permissions=(permission,))
    assert await problem(installation, operator(), draft) == (("permissions",), "beyond_role")


async def test_an_administrator_with_a_part_hands_on_no_more(installation: Installation) -> None:
    whole = await installation.acting()
    held = ROLES[Role.CALLER] | {"organization:administer"}
    who = msgspec.structs.replace(whole, permissions=held)
    part = KeyDraft(name="k", role=Role.CALLER, permissions=("llm:use:any",))
    assert (await installation.keys.create(who, part)).key.permissions == ("llm:use:any",)
    before = installation.count("principals"), installation.count("audit")
    for draft in (
        KeyDraft(name="k", role=Role.EDITOR),
        KeyDraft(name="k", role=Role.ADMIN, permissions=("llm:use:any",)),
        KeyDraft(name="k", principal_id=whole.principal_id),
    ):
        with pytest.raises(Forbidden):
            await installation.keys.create(who, draft)
    assert (installation.count("principals"), installation.count("audit")) == before


async def test_an_operators_key_makes_keys_of_every_organization(
    installation: Installation,
) -> None:
    who, other = await operating(installation), await another(installation)
    new = await installation.keys.create(who, KeyDraft(name="k", role=Role.ADMIN), other.id)
    assert new.principal.organization_id == other.id
    theirs = await installation.authenticator.authenticate([new.text])
    assert theirs.permissions == ROLES[Role.ADMIN]
    with pytest.raises(NotFound):
        await installation.keys.page(theirs, PageQuery(), PLATFORM_ORGANIZATION_ID)


async def test_another_organizations_keys_are_not_there(installation: Installation) -> None:
    admin, other = await installation.acting(), await another(installation)
    theirs = await installation.new_key(organization_id=other.id)
    for attempt in (
        installation.keys.get(admin, theirs.key.id),
        installation.keys.revoke(admin, theirs.key.id),
        installation.keys.revoke(admin, theirs.key.name),
        installation.keys.get(admin, theirs.key.id, other.id),
        installation.keys.revoke(admin, theirs.key.id, other.id),
        installation.keys.page(admin, PageQuery(), other.id),
        installation.keys.create(admin, KeyDraft(name="k", role=Role.CALLER), other.id),
    ):
        with pytest.raises(NotFound):
            await attempt
    await installation.authenticator.authenticate([theirs.text])
