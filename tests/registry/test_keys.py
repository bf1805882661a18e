"""API keys, as an operator and an organization's administrators make and end them."""

import pytest

from dragoman.authz.check import OPERATOR, operator
from dragoman.domain.errors import Conflict, Invalid, NotFound
from dragoman.domain.page import PageQuery
from dragoman.domain.principal import ApiKey, Principal, Role
from dragoman.vault import api_key
from tests.registry.installation import NOON_MS, ORGANIZATION_ID, Installation

NOTHING = "01a00000-0000-7000-8000-000000000000"


async def listed(installation: Installation) -> list[tuple[ApiKey, Principal]]:
    page = await installation.keys.page(operator(), PageQuery(), ORGANIZATION_ID)
    return list(page.items)


async def revoked(installation: Installation, id_or_name: str) -> ApiKey:
    return await installation.keys.revoke(operator(), id_or_name, ORGANIZATION_ID)


async def test_a_new_key_is_well_formed_and_acts_as_a_new_principal_of_its_role_and_name(
    installation: Installation,
) -> None:
    new = await installation.new_key(Role.EDITOR, "the build")

    assert api_key.is_well_formed(new.text)
    assert new.key.digest == api_key.digest(new.text)
    assert new.key.principal_id == new.principal.id
    assert new.key.organization_id == new.principal.organization_id
    assert (new.principal.name, new.principal.role) == ("the build", Role.EDITOR)
    assert new.key.created_at_ms == NOON_MS
    assert new.key.permissions is None
    assert new.key.expires_at_ms is None
    assert new.key.revoked_at_ms is None
    assert await listed(installation) == [(new.key, new.principal)]


async def test_the_text_of_a_key_is_stored_nowhere(installation: Installation) -> None:
    new = await installation.new_key()
    files = {file.name: file.read_bytes() for file in installation.path.parent.iterdir()}
    assert new.key.id.encode() in files["dragoman.db-wal"]
    for content in files.values():
        assert new.text.removeprefix("dgm_").encode() not in content


async def test_keys_are_listed_newest_first_with_the_ended_ones(
    installation: Installation,
) -> None:
    for name in ("first", "second", "third"):
        await installation.new_key(name=name)
        installation.clock.time_ms += 1
    await revoked(installation, "second")
    assert [(key.name, key.revoked_at_ms) for key, _ in await listed(installation)] == [
        ("third", None),
        ("second", NOON_MS + 3),
        ("first", None),
    ]


async def test_making_and_ending_a_key_is_recorded_as_the_operators_doing(
    installation: Installation,
) -> None:
    new = await installation.new_key()
    await revoked(installation, "k")
    assert installation.rows(
        "SELECT action, actor_id, key_id, target_id, members FROM audit ORDER BY revision"
    ) == [
        ("principal.create", OPERATOR, None, new.principal.id, "[]"),
        ("key.create", OPERATOR, None, new.key.id, "[]"),
        ("key.revoke", OPERATOR, None, new.key.id, "[]"),
    ]


async def test_a_key_is_revoked_by_its_id_or_by_its_name(installation: Installation) -> None:
    first = await installation.new_key(name="first")
    second = await installation.new_key(name="second")
    assert (await revoked(installation, first.key.id)).id == first.key.id
    assert (await revoked(installation, "second")).id == second.key.id


async def test_a_name_that_several_keys_have_is_answered_with_their_ids(
    installation: Installation,
) -> None:
    twins = [await installation.new_key(name="twin") for _ in range(2)]
    with pytest.raises(Conflict) as refused:
        await revoked(installation, "twin")
    assert refused.value.code == "ambiguous_name"
    assert all(twin.key.id in refused.value.message for twin in twins)

    await revoked(installation, twins[0].key.id)
    assert (await revoked(installation, "twin")).id == twins[1].key.id


async def test_a_key_that_has_ended_keeps_its_time_and_is_not_recorded_again(
    installation: Installation,
) -> None:
    new = await installation.new_key()
    await revoked(installation, new.key.id)
    audited = installation.count("audit")
    installation.clock.time_ms += 1000

    await revoked(installation, new.key.id)

    [(key, _)] = await listed(installation)
    assert key.revoked_at_ms == NOON_MS
    assert installation.count("audit") == audited


async def test_a_revoked_key_is_given_back_as_it_is_stored(installation: Installation) -> None:
    new = await installation.new_key()
    ended = await revoked(installation, new.key.id)
    assert [ended] == [key for key, _ in await listed(installation)]
    assert await revoked(installation, new.key.id) == ended


async def test_what_does_not_exist_is_not_found(installation: Installation) -> None:
    with pytest.raises(NotFound, match="There is no organization with this id"):
        await installation.new_key(organization_id=NOTHING)
    for nothing in (NOTHING, "nothing"):
        with pytest.raises(NotFound, match="There is no active API key with this id or name"):
            await revoked(installation, nothing)
    with pytest.raises(NotFound, match="There is no API key with this id"):
        await installation.keys.get(operator(), NOTHING, ORGANIZATION_ID)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m", "n" * 256])
async def test_a_name_that_a_list_cannot_show_is_refused(
    installation: Installation, name: str
) -> None:
    with pytest.raises(Invalid, match="must be 1 to 255 printable characters"):
        await installation.new_key(name=name)
    assert installation.count("api_keys") == 0
