"""The roles that see what is stored of credentials: the operator's setting, and nobody else's."""

import pytest

from dragoman.authz.check import Actor, actor, operator
from dragoman.authz.policy import ROLES, Action, Reach, permission
from dragoman.domain.errors import Forbidden, Invalid
from dragoman.domain.principal import Principal, Role
from dragoman.registry.authentication import Authenticator
from dragoman.registry.keys import KeyDraft, Keys, NewKey
from dragoman.registry.principals import Principals
from tests.registry.installation import ORGANIZATION_ID, Installation

SEEING = {permission(Action.READ_CREDENTIALS, reach) for reach in Reach}
READERS = (Role.ADMIN, Role.VIEWER)


def keys_of(installation: Installation, *readers: Role) -> Keys:
    clock = installation.clock
    return Keys(store=installation.store, clock=clock, credential_readers=readers)


async def new_key(installation: Installation, role: Role, *permissions: str) -> NewKey:
    """Make a key as the operator does; of these permissions, or of all that its role has."""
    draft = KeyDraft(name="k", role=role, permissions=permissions or None)
    return await keys_of(installation, *READERS).create(operator(), draft, ORGANIZATION_ID)


@pytest.mark.parametrize("role", Role)
async def test_a_key_acts_by_the_setting_of_the_process_that_takes_it(
    installation: Installation, role: Role
) -> None:
    new = await new_key(installation, role)
    for readers in (READERS, ()):
        authenticator = Authenticator(
            store=installation.store, clock=installation.clock, credential_readers=readers
        )
        who = await authenticator.authenticate([new.text])
        expected = ROLES[role] | (SEEING if role in readers else set())
        assert who.permissions == expected
        shown = keys_of(installation, *readers).permissions(new.key, new.principal)
        assert shown == expected


async def test_a_key_may_hold_it_where_its_role_does_and_keep_it_no_longer(
    installation: Installation,
) -> None:
    narrow = await new_key(installation, Role.VIEWER, *SEEING)
    assert actor(narrow.key, narrow.principal, READERS).permissions == SEEING
    assert actor(narrow.key, narrow.principal).permissions == set()
    with pytest.raises(Invalid, match="the principal's role lacks llm:read_credentials:own"):
        await new_key(installation, Role.EDITOR, "llm:read_credentials:own")


async def test_who_does_not_hold_it_hands_it_to_nobody(installation: Installation) -> None:
    """Neither with a key, nor with a principal, nor with another role."""
    maker = await new_key(installation, Role.ADMIN, *ROLES[Role.ADMIN])
    who: Actor = actor(maker.key, maker.principal, READERS)
    assert not who.permissions & SEEING
    clock = installation.clock
    principals = Principals(store=installation.store, clock=clock, credential_readers=READERS)
    keys = keys_of(installation, *READERS)
    viewer: Principal = await principals.create(operator(), "v", Role.VIEWER, ORGANIZATION_ID)
    editor: Principal = await principals.create(operator(), "e", Role.EDITOR, ORGANIZATION_ID)
    for attempt in (
        keys.create(who, KeyDraft(name="k", role=Role.VIEWER)),
        keys.create(who, KeyDraft(name="k", principal_id=viewer.id)),
        principals.create(who, "another", Role.VIEWER),
        principals.update(who, editor.id, role=Role.VIEWER),
    ):
        with pytest.raises(Forbidden, match="llm:read_credentials"):
            await attempt
    made = await keys.create(who, KeyDraft(name="k", principal_id=editor.id))
    assert made.principal == editor
    assert (await principals.update(who, viewer.id, name="another name")).name == "another name"
