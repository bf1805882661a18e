"""Organizations: made by operators, renamed by administrators, and the audit trail of each."""

import msgspec
import pytest

from dragoman.authz.check import Actor, operator
from dragoman.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.page import AuditQuery, PageQuery
from dragoman.domain.principal import Organization, Role
from tests.registry.installation import (
    NOON_MS,
    ORGANIZATION,
    ORGANIZATION_ID,
    Installation,
    a_draft,
    an_edit,
)
from tests.registry.test_llms import setting

NOTHING = "01a00000-0000-7000-8000-000000000000"


async def another(installation: Installation, name: str = "other") -> Organization:
    """Make one more organization."""
    return await installation.organizations.create(operator(), name)


async def operating(installation: Installation) -> Actor:
    """Make somebody who operates the platform with an API key."""
    async with installation.store.writing() as work:
        platform = Organization(PLATFORM_ORGANIZATION_ID, "platform", 0)
        await work.principals.add_organization(platform)
    return await installation.acting(organization_id=PLATFORM_ORGANIZATION_ID)


async def test_an_operator_makes_organizations_and_sees_them_all(
    installation: Installation,
) -> None:
    who = await operating(installation)
    installation.clock.time_ms += 1
    made = await installation.organizations.create(who, "new")
    assert await installation.organizations.get(who, made.id) == made
    assert await installation.organizations.named(who, "new") == made
    page = await installation.organizations.page(who, PageQuery())
    assert [each.name for each in page.items] == ["new", ORGANIZATION, "platform"]
    rows = installation.rows(
        "SELECT action, organization_id, actor_id FROM audit WHERE target_id = ?", made.id
    )
    assert rows == [("organization.create", made.id, who.principal_id)]


async def test_an_administrator_sees_their_own_alone_and_renames_none(
    installation: Installation,
) -> None:
    admin, other = await installation.acting(), await another(installation)
    own = await installation.organizations.get(admin, ORGANIZATION_ID)
    assert (await installation.organizations.page(admin, PageQuery())).items == (own,)
    for there in (other.id, NOTHING):
        with pytest.raises(NotFound, match="There is no organization with this id"):
            await installation.organizations.get(admin, there)
    for anywhere in (ORGANIZATION_ID, other.id, NOTHING):
        with pytest.raises(Forbidden):
            await installation.organizations.rename(admin, anywhere, "mine")


async def test_an_operator_renames_one(installation: Installation) -> None:
    own = await installation.organizations.get(operator(), ORGANIZATION_ID)
    renamed = await installation.organizations.rename(operator(), ORGANIZATION_ID, "new")
    assert renamed == msgspec.structs.replace(own, name="new")
    assert await installation.organizations.get(operator(), ORGANIZATION_ID) == renamed


async def test_a_rename_to_the_same_name_leaves_no_trace(installation: Installation) -> None:
    audited = installation.count("audit")
    await installation.organizations.rename(operator(), ORGANIZATION_ID, ORGANIZATION)
    assert installation.count("audit") == audited


async def test_a_name_is_one_organizations(installation: Installation) -> None:
    other = await another(installation)
    with pytest.raises(Conflict) as refused:
        await another(installation)
    assert refused.value.code == "name_taken"
    with pytest.raises(Conflict):
        await installation.organizations.rename(operator(), other.id, ORGANIZATION)
    assert (await installation.organizations.get(operator(), other.id)).name == "other"


@pytest.mark.parametrize("role", Role)
async def test_no_tenant_makes_or_looks_up_organizations(
    installation: Installation, role: Role
) -> None:
    who = await installation.acting(role)
    with pytest.raises(Forbidden):
        await installation.organizations.create(who, "new")
    with pytest.raises(Forbidden):
        await installation.organizations.named(who, ORGANIZATION)


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER, Role.CALLER])
async def test_whoever_does_not_administer_sees_none(
    installation: Installation, role: Role
) -> None:
    who = await installation.acting(role)
    with pytest.raises(Forbidden):
        await installation.organizations.get(who, ORGANIZATION_ID)
    with pytest.raises(Forbidden):
        await installation.organizations.page(who, PageQuery())
    with pytest.raises(Forbidden):
        await installation.organizations.rename(who, ORGANIZATION_ID, "new")
    with pytest.raises(Forbidden):
        await installation.trail.page(who, AuditQuery())


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m", "n" * 256])
async def test_a_name_that_a_list_cannot_show_is_refused(
    installation: Installation, name: str
) -> None:
    with pytest.raises(Invalid):
        await another(installation, name)
    with pytest.raises(Invalid):
        await installation.organizations.rename(operator(), ORGANIZATION_ID, name)


# --- The audit trail -----------------------------------------------------------------------------


async def test_the_trail_says_who_did_what_through_which_request(
    installation: Installation,
) -> None:
    admin = msgspec.structs.replace(await installation.acting(), request_id="req-1")
    llm = await installation.llms.create(admin, a_draft())
    installation.clock.time_ms += 5
    later = msgspec.structs.replace(admin, request_id="req-2")
    edit = an_edit(setting(model="huge", labels={"a": "b"}), "sk-new")
    updated = await installation.llms.update(later, llm.id, edit)
    await installation.llms.delete(later, llm.id)

    query = AuditQuery(equal={"target_id": llm.id})
    deleted, changed, created = (await installation.trail.page(admin, query)).items

    assert (created.action, changed.action, deleted.action) == (
        "llm.create",
        "llm.update",
        "llm.delete",
    )
    assert (created.members, changed.members) == ((), ("model", "labels", "secret"))
    assert (created.revision, changed.revision) == (llm.revision, updated.revision)
    assert deleted.revision == updated.revision + 1
    assert (created.at_ms, changed.at_ms) == (NOON_MS, NOON_MS + 5)
    assert (created.request_id, changed.request_id) == ("req-1", "req-2")
    for entry in (created, changed, deleted):
        assert (entry.actor_id, entry.key_id) == (admin.principal_id, admin.key_id)
        assert entry.organization_id == ORGANIZATION_ID
    assert "sk-new" not in repr((created, changed, deleted))


async def test_a_trail_is_of_one_organization_also_where_an_operator_acted(
    installation: Installation,
) -> None:
    admin, other = await installation.acting(), await another(installation)
    await installation.organizations.rename(operator(), other.id, "renamed")
    own = await installation.trail.page(admin, AuditQuery())
    assert {entry.organization_id for entry in own.items} == {ORGANIZATION_ID}
    theirs = await installation.trail.page(operator(), AuditQuery(), other.id)
    assert [(entry.action, entry.members) for entry in theirs.items] == [
        ("organization.update", ("name",)),
        ("organization.create", ()),
    ]
    with pytest.raises(NotFound):
        await installation.trail.page(admin, AuditQuery(), other.id)


async def test_a_change_that_was_only_tried_is_in_no_trail(installation: Installation) -> None:
    admin = await installation.acting()
    llm = await installation.llms.create(admin, a_draft())
    before = await installation.trail.page(admin, AuditQuery())
    await installation.llms.create(admin, a_draft(), dry_run=True)
    tried = await installation.llms.update(
        admin, llm.id, an_edit(setting(model="huge")), dry_run=True
    )
    await installation.llms.delete(admin, llm.id, dry_run=True)
    assert tried.configuration.model == "huge"
    assert await installation.trail.page(admin, AuditQuery()) == before
    assert await installation.llms.get(admin, llm.id) == llm
    assert installation.count("llms") == 1
