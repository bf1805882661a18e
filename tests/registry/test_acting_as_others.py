"""A key that acts as somebody else: what is theirs is not its maker's own."""

import pytest

from dragoman.authz.check import Actor, actor
from dragoman.authz.policy import ROLES, Action, Administration, Reach, permission
from dragoman.domain.errors import Forbidden
from dragoman.domain.principal import Role
from dragoman.registry.keys import KeyDraft
from tests.registry.installation import Installation

OWN = tuple(permission(action, Reach.OWN) for action in (Action.READ, Action.DELETE))


async def restricted(installation: Installation, *permissions: str) -> Actor:
    """Make an administrator's key that may make keys, and this."""
    maker = await installation.acting(Role.ADMIN)
    draft = KeyDraft(
        name="restricted",
        role=Role.ADMIN,
        permissions=(Administration.ORGANIZATION, *permissions),
    )
    new = await installation.keys.create(maker, draft)
    return actor(new.key, new.principal)


@pytest.mark.parametrize("permissions", [OWN, None], ids=["named", "the whole role"])
async def test_who_may_delete_only_their_own_makes_no_key_that_deletes_anothers(
    installation: Installation, permissions: tuple[str, ...] | None
) -> None:
    beside = {"llm:delete:any", Administration.ORGANIZATION}
    held = OWN if permissions else ROLES[Role.ADMIN] - beside
    who = await restricted(installation, *held)
    other = await installation.acting(Role.EDITOR)
    draft = KeyDraft(name="k", principal_id=other.principal_id, permissions=permissions)
    with pytest.raises(Forbidden, match="llm:delete:any"):
        await installation.keys.create(who, draft)


async def test_they_make_one_for_themselves_and_for_somebody_new_who_owns_nothing(
    installation: Installation,
) -> None:
    who = await restricted(installation, *ROLES[Role.EDITOR])
    for draft in (
        KeyDraft(name="k", permissions=OWN, principal_id=who.principal_id),
        KeyDraft(name="k", permissions=OWN, role=Role.EDITOR),
    ):
        made = await installation.keys.create(who, draft)
        assert made.key.permissions == tuple(sorted(OWN))


async def test_who_may_delete_any_makes_a_key_that_deletes_what_is_anothers_own(
    installation: Installation,
) -> None:
    who = await installation.acting(Role.ADMIN)
    other = await installation.acting(Role.EDITOR)
    draft = KeyDraft(name="k", principal_id=other.principal_id, permissions=OWN)
    assert (await installation.keys.create(who, draft)).key.permissions == tuple(sorted(OWN))
