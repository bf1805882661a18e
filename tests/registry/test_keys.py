"""API keys, as the operator makes and ends them."""

import pytest

from dragoman.domain.errors import Invalid, NotFound
from dragoman.domain.principal import Role
from dragoman.registry.keys import OPERATOR
from dragoman.vault import api_key
from tests.registry.installation import NOON_MS, ORGANIZATION, Installation


async def test_a_new_key_is_well_formed_and_acts_as_a_new_principal_of_its_role_and_name(
    installation: Installation,
) -> None:
    new = await installation.keys.create(ORGANIZATION, Role.EDITOR, "the build")

    assert api_key.is_well_formed(new.text)
    assert new.key.digest == api_key.digest(new.text)
    assert new.key.principal_id == new.principal.id
    assert new.key.organization_id == new.principal.organization_id
    assert (new.principal.name, new.principal.role) == ("the build", Role.EDITOR)
    assert new.key.created_at_ms == NOON_MS
    assert new.key.expires_at_ms is None
    assert new.key.revoked_at_ms is None
    assert await installation.keys.of_organization(ORGANIZATION) == [(new.key, new.principal)]


async def test_the_text_of_a_key_is_stored_nowhere(installation: Installation) -> None:
    new = await installation.keys.create(ORGANIZATION, Role.ADMIN, "k")
    files = {file.name: file.read_bytes() for file in installation.path.parent.iterdir()}
    assert new.key.id.encode() in files["dragoman.db-wal"]
    for content in files.values():
        assert new.text.removeprefix("dgm_").encode() not in content


async def test_keys_are_listed_oldest_first_with_the_ended_ones(
    installation: Installation,
) -> None:
    for name in ("first", "second", "third"):
        await installation.keys.create(ORGANIZATION, Role.ADMIN, name)
        installation.clock.time_ms += 1
    await installation.keys.revoke(ORGANIZATION, "second")
    listed = await installation.keys.of_organization(ORGANIZATION)
    assert [(key.name, key.revoked_at_ms) for key, _ in listed] == [
        ("first", None),
        ("second", NOON_MS + 3),
        ("third", None),
    ]


async def test_making_and_ending_a_key_is_recorded_as_the_operators_doing(
    installation: Installation,
) -> None:
    new = await installation.keys.create(ORGANIZATION, Role.ADMIN, "k")
    await installation.keys.revoke(ORGANIZATION, "k")
    assert installation.rows(
        "SELECT action, actor_id, key_id, target_id, members FROM audit ORDER BY rowid"
    ) == [
        ("key.create", OPERATOR, None, new.key.id, "[]"),
        ("key.revoke", OPERATOR, None, new.key.id, "[]"),
    ]


async def test_a_key_is_revoked_by_its_id_or_by_its_name(installation: Installation) -> None:
    first = await installation.keys.create(ORGANIZATION, Role.ADMIN, "first")
    second = await installation.keys.create(ORGANIZATION, Role.ADMIN, "second")
    assert (await installation.keys.revoke(ORGANIZATION, first.key.id)).id == first.key.id
    assert (await installation.keys.revoke(ORGANIZATION, "second")).id == second.key.id


async def test_a_name_that_several_keys_have_is_answered_with_their_ids(
    installation: Installation,
) -> None:
    twins = [await installation.keys.create(ORGANIZATION, Role.ADMIN, "twin") for _ in range(2)]
    with pytest.raises(Invalid) as refused:
        await installation.keys.revoke(ORGANIZATION, "twin")
    assert all(twin.key.id in refused.value.message for twin in twins)

    await installation.keys.revoke(ORGANIZATION, twins[0].key.id)
    assert (await installation.keys.revoke(ORGANIZATION, "twin")).id == twins[1].key.id


async def test_a_key_that_has_ended_keeps_its_time_and_is_not_recorded_again(
    installation: Installation,
) -> None:
    new = await installation.keys.create(ORGANIZATION, Role.ADMIN, "k")
    await installation.keys.revoke(ORGANIZATION, new.key.id)
    audited = installation.count("audit")
    installation.clock.time_ms += 1000

    await installation.keys.revoke(ORGANIZATION, new.key.id)

    [(key, _)] = await installation.keys.of_organization(ORGANIZATION)
    assert key.revoked_at_ms == NOON_MS
    assert installation.count("audit") == audited


async def test_what_does_not_exist_is_said_with_the_next_step(installation: Installation) -> None:
    with pytest.raises(NotFound, match="There is no organization named 'nobody'"):
        await installation.keys.create("nobody", Role.ADMIN, "k")
    with pytest.raises(NotFound, match="There is no organization named 'nobody'"):
        await installation.keys.of_organization("nobody")
    with pytest.raises(NotFound, match="see 'dragoman key list'"):
        await installation.keys.revoke(ORGANIZATION, "nothing")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m", "n" * 256])
async def test_a_name_that_a_list_cannot_show_is_refused(
    installation: Installation, name: str
) -> None:
    with pytest.raises(Invalid, match="must be 1 to 255 printable characters"):
        await installation.keys.create(ORGANIZATION, Role.ADMIN, name)
    assert installation.count("api_keys") == 0
