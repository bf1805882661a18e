"""Principals: made and changed by administrators, and not deleted while they own something."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from dragoman.authz.check import Actor, operator
from dragoman.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from dragoman.domain.page import PageQuery
from dragoman.domain.principal import Role
from dragoman.registry.keys import KeyDraft
from tests.registry.installation import ORGANIZATION_ID, Installation, a_draft
from tests.registry.test_organizations import another

NOTHING = "01a00000-0000-7000-8000-000000000000"


async def test_a_principal_is_made_read_changed_and_deleted(installation: Installation) -> None:
    admin = await installation.acting()
    made = await installation.principals.create(admin, "Grace", Role.VIEWER)
    assert (made.name, made.role, made.organization_id) == ("Grace", Role.VIEWER, ORGANIZATION_ID)
    assert await installation.principals.get(admin, made.id) == made

    changed = await installation.principals.update(admin, made.id, name="G", role=Role.EDITOR)
    assert changed == msgspec.structs.replace(made, name="G", role=Role.EDITOR)
    assert await installation.principals.get(admin, made.id) == changed

    await installation.principals.delete(admin, made.id)
    with pytest.raises(NotFound):
        await installation.principals.get(admin, made.id)
    rows = installation.rows(
        "SELECT action, actor_id, members FROM audit WHERE target_id = ? ORDER BY revision", made.id
    )
    assert rows == [
        ("principal.create", admin.principal_id, "[]"),
        ("principal.update", admin.principal_id, '["name","role"]'),
        ("principal.delete", admin.principal_id, "[]"),
    ]


async def test_a_change_that_changes_nothing_leaves_no_trace(installation: Installation) -> None:
    admin = await installation.acting()
    made = await installation.principals.create(admin, "Grace", Role.VIEWER)
    audited = installation.count("audit")
    for change in ({}, {"name": "Grace"}, {"role": Role.VIEWER}):
        assert await installation.principals.update(admin, made.id, **change) == made
    assert installation.count("audit") == audited


async def test_a_new_role_is_what_the_keys_of_a_principal_may_do(
    installation: Installation,
) -> None:
    admin, new = await installation.acting(), await installation.new_key(Role.VIEWER)
    await installation.principals.update(admin, new.principal.id, role=Role.CALLER)
    who = await installation.authenticator.authenticate([new.text])
    assert "llm:use:any" in who.permissions
    assert "llm:read:any" not in who.permissions


async def test_a_principal_that_owns_llms_is_not_deleted(installation: Installation) -> None:
    admin, new = await installation.acting(), await installation.new_key(Role.EDITOR)
    owner = await installation.authenticator.authenticate([new.text])
    llm = await installation.llms.create(owner, a_draft())
    audited = installation.count("audit")

    with pytest.raises(Conflict) as refused:
        await installation.principals.delete(admin, owner.principal_id)

    assert refused.value.code == "principal_owns_llms"
    assert installation.count("audit") == audited
    await installation.authenticator.authenticate([new.text])
    await installation.llms.delete(owner, llm.id)
    await installation.principals.delete(admin, owner.principal_id)


async def test_deleting_a_principal_ends_its_keys_and_no_others(
    installation: Installation,
) -> None:
    admin, gone = await installation.acting(), await installation.new_key(Role.EDITOR)
    stays = await installation.new_key(Role.EDITOR)
    draft = KeyDraft(name="second", principal_id=gone.principal.id)
    second = await installation.keys.create(operator(), draft, ORGANIZATION_ID)

    await installation.principals.delete(admin, gone.principal.id)

    for key in (gone, second):
        with pytest.raises(Unauthenticated):
            await installation.authenticator.authenticate([key.text])
        with pytest.raises(NotFound):
            await installation.keys.get(admin, key.key.id)
    await installation.authenticator.authenticate([stays.text])


async def test_pages_are_newest_first_and_of_one_organization(installation: Installation) -> None:
    admin = await installation.acting()
    other = await another(installation)
    names = [f"p-{number}" for number in range(5)]
    for name in names:
        installation.clock.time_ms += 1
        await installation.principals.create(admin, name, Role.VIEWER)
        await installation.principals.create(operator(), f"their {name}", Role.VIEWER, other.id)
    first = await installation.principals.page(admin, PageQuery(limit=3))
    assert [each.name for each in first.items] == ["p-4", "p-3", "p-2"]
    rest = await installation.principals.page(admin, PageQuery(limit=3, after=first.next))
    assert [each.name for each in rest.items][:2] == ["p-1", "p-0"]
    assert rest.next is None


ATTEMPTS: dict[str, Callable[[Installation, Actor, str, str | None], Awaitable[object]]] = {
    "create": lambda made, who, _, of: made.principals.create(who, "x", Role.CALLER, of),
    "get": lambda made, who, id_, of: made.principals.get(who, id_, of),
    "page": lambda made, who, _, of: made.principals.page(who, PageQuery(), of),
    "update": lambda made, who, id_, of: made.principals.update(
        who, id_, name="x", organization_id=of
    ),
    "delete": lambda made, who, id_, of: made.principals.delete(who, id_, of),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER, Role.CALLER])
async def test_only_administrators_may(
    installation: Installation, attempt: str, role: Role
) -> None:
    who = await installation.acting(role)
    for of in (None, ORGANIZATION_ID, NOTHING):
        with pytest.raises(Forbidden):
            await ATTEMPTS[attempt](installation, who, who.principal_id, of)


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_another_organizations_are_not_there(
    installation: Installation, attempt: str
) -> None:
    admin, other = await installation.acting(), await another(installation)
    theirs = await installation.acting(organization_id=other.id)
    audited = installation.count("audit")
    with pytest.raises(NotFound, match="no organization with this id"):
        await ATTEMPTS[attempt](installation, admin, theirs.principal_id, other.id)
    if attempt in {"get", "update", "delete"}:
        with pytest.raises(NotFound, match="no principal with this id"):
            await ATTEMPTS[attempt](installation, admin, theirs.principal_id, None)
    assert installation.count("audit") == audited
    left = await installation.principals.get(theirs, theirs.principal_id)
    assert left.id == theirs.principal_id


@pytest.mark.parametrize("name", ["", " ", "a\nb", "n" * 256])
async def test_a_name_that_a_list_cannot_show_is_refused(
    installation: Installation, name: str
) -> None:
    admin = await installation.acting()
    with pytest.raises(Invalid):
        await installation.principals.create(admin, name, Role.VIEWER)
    with pytest.raises(Invalid):
        await installation.principals.update(admin, admin.principal_id, name=name)


async def test_a_rename_hands_nothing_on(installation: Installation) -> None:
    """So an administrator whose key holds little may still do it."""
    who = await installation.acting()
    little = msgspec.structs.replace(who, permissions=frozenset({"organization:administer"}))
    other = await installation.new_key(Role.ADMIN)
    renamed = await installation.principals.update(little, other.principal.id, name="renamed")
    assert (renamed.name, renamed.role) == ("renamed", Role.ADMIN)
    with pytest.raises(Forbidden):
        await installation.principals.update(little, other.principal.id, role=Role.CALLER)
