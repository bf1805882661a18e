"""From an API key to somebody who acts."""

import msgspec
import pytest

from dragoman.authz.check import operator
from dragoman.domain.change import Change, Noun
from dragoman.domain.errors import Unauthenticated
from dragoman.domain.principal import Organization, Role
from dragoman.registry.authentication import UNKNOWN_KEYS_MS, Authenticator
from dragoman.registry.keys import KeyDraft
from dragoman.vault import api_key
from tests.fakes.watched import WatchedStore
from tests.registry.installation import NOON_MS, ORGANIZATION_ID, Installation


async def _key(installation: Installation, role: Role = Role.VIEWER, name: str = "k") -> str:
    return (await installation.new_key(role, name)).text


async def _refusal(authenticator: Authenticator, *keys: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await authenticator.authenticate(keys)
    return refused.value.message


async def test_a_key_stands_for_its_principal_and_role(installation: Installation) -> None:
    new = await installation.new_key(Role.CALLER, "the app")
    who = await installation.authenticator.authenticate([new.text])
    assert (who.organization_id, who.principal_id, who.key_id, who.expires_at_ms) == (
        new.principal.organization_id,
        new.principal.id,
        new.key.id,
        None,
    )
    assert {"llm:use:any", "llm:list:any"} <= who.permissions
    assert "llm:read:any" not in who.permissions


async def test_a_request_without_a_key_is_refused(installation: Installation) -> None:
    assert await _refusal(installation.authenticator) == (
        "Missing API key. Send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'."
    )


async def test_a_key_that_was_mistyped_costs_no_look_into_the_database(
    installation: Installation,
) -> None:
    key = await _key(installation)
    store = WatchedStore(installation.store)
    authenticator = Authenticator(store=store, clock=installation.clock)
    mistyped = key[:10] + ("a" if key[10] != "a" else "b") + key[11:]

    for text in ("", "nonsense", key[:-1], key + "a", mistyped, key.upper(), f" {key}", f"{key}\n"):
        assert await _refusal(authenticator, text) == "Invalid API key."

    assert store.looks == 0
    await authenticator.authenticate([key])
    assert store.looks == 1


async def test_a_key_that_verified_is_remembered_and_for_a_while_one_that_did_not(
    installation: Installation,
) -> None:
    key, unknown = await _key(installation), api_key.generate()
    store = WatchedStore(installation.store)
    authenticator = Authenticator(store=store, clock=installation.clock)

    for _ in range(3):
        await authenticator.authenticate([key])
    assert store.looks == 1
    for _ in range(3):
        assert await _refusal(authenticator, unknown) == "Invalid API key."
    assert store.looks == 2
    installation.clock.time_ms += UNKNOWN_KEYS_MS
    assert await _refusal(authenticator, unknown) == "Invalid API key."
    assert store.looks == 3


async def test_a_key_that_is_made_after_it_was_refused_is_accepted(
    installation: Installation,
) -> None:
    text = api_key.generate()
    assert await _refusal(installation.authenticator, text) == "Invalid API key."
    new = await installation.new_key()
    async with installation.store.writing() as work:
        await work.principals.add_key(
            msgspec.structs.replace(
                new.key, id=installation.clock.new_id(), digest=api_key.digest(text)
            )
        )
    # Keys are made in no other way than by the use case, which is told of at once.
    installation.authenticator.changed([Change(9, Noun.KEY, ORGANIZATION_ID, new.key.id)])
    await installation.authenticator.authenticate([text])


async def test_a_revoked_key_is_refused_from_the_moment_the_memory_is_emptied(
    installation: Installation,
) -> None:
    key = await _key(installation, name="leaked")
    await installation.authenticator.authenticate([key])

    await installation.keys.revoke(operator(), "leaked", ORGANIZATION_ID)
    await installation.authenticator.authenticate([key])  # remembered

    installation.authenticator.forget()
    assert await _refusal(installation.authenticator, key) == "Invalid API key."


async def test_what_was_read_before_a_change_is_not_remembered_after_it(
    installation: Installation,
) -> None:
    key = await _key(installation)
    store = WatchedStore(
        installation.store,
        in_between=lambda: authenticator.forget(),  # noqa: PLW0108  # made below
    )
    authenticator = Authenticator(store=store, clock=installation.clock)

    await authenticator.authenticate([key])
    await authenticator.authenticate([key])

    assert store.looks == 2


async def test_forgetting_one_key_does_not_make_another_fail(installation: Installation) -> None:
    first, second = await _key(installation), await _key(installation)
    await installation.authenticator.authenticate([first])
    installation.authenticator.forget()
    await installation.authenticator.authenticate([second])
    await installation.authenticator.authenticate([first])


# --- Expiry ------------------------------------------------------------------------------------


async def _expiring(installation: Installation, expires_at_ms: int) -> str:
    draft = KeyDraft(name="k", role=Role.ADMIN, expires_at_ms=expires_at_ms)
    return (await installation.keys.create(operator(), draft, ORGANIZATION_ID)).text


async def test_a_key_ends_at_the_millisecond_of_its_expiry_also_where_it_is_remembered(
    installation: Installation,
) -> None:
    key = await _expiring(installation, NOON_MS + 1000)
    installation.clock.time_ms = NOON_MS + 999
    await installation.authenticator.authenticate([key])

    installation.clock.time_ms = NOON_MS + 1000

    assert await _refusal(installation.authenticator, key) == "Invalid API key."
    installation.authenticator.forget()
    assert await _refusal(installation.authenticator, key) == "Invalid API key."


async def test_an_expired_key_makes_the_valid_one_beside_it_useless(
    installation: Installation,
) -> None:
    valid, expired = await _key(installation), await _expiring(installation, NOON_MS + 1)
    installation.clock.time_ms = NOON_MS + 1
    for keys in ((valid, expired), (expired, valid)):
        assert await _refusal(installation.authenticator, *keys) == "Invalid API key."


# --- Two keys at once --------------------------------------------------------------------------


async def test_the_same_key_twice_is_that_key(installation: Installation) -> None:
    key = await _key(installation, Role.EDITOR)
    once = await installation.authenticator.authenticate([key])
    assert await installation.authenticator.authenticate([key, key]) == once


async def test_two_keys_may_do_what_both_may(installation: Installation) -> None:
    admin, viewer = await _key(installation, Role.ADMIN), await _key(installation, Role.VIEWER)

    async def permissions(*keys: str) -> set[str]:
        who = await installation.authenticator.authenticate(keys)
        return {name for name in who.permissions if name.endswith(":any")}

    assert await permissions(admin, viewer) == {"llm:read:any", "llm:list:any"}
    assert await permissions(viewer, admin) == {"llm:read:any", "llm:list:any"}


async def test_two_keys_of_two_organizations_are_refused(installation: Installation) -> None:
    ours = await _key(installation)
    clock = installation.clock
    async with installation.store.writing() as work:
        other = Organization(clock.new_id(), "other", clock.now_ms())
        await work.principals.add_organization(other)
    theirs = (await installation.new_key(organization_id=other.id)).text
    assert await _refusal(installation.authenticator, ours, theirs) == (
        "The two credentials of this request belong to two organizations."
    )


async def test_both_keys_have_to_verify(installation: Installation) -> None:
    valid, unknown = await _key(installation), api_key.generate()
    for keys in ((valid, unknown), (unknown, valid), (valid, "nonsense"), ("", valid)):
        assert await _refusal(installation.authenticator, *keys) == "Invalid API key."
