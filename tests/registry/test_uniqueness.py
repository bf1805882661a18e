"""Who is the only one of its kind: connections of one owner, names within an organization."""

import asyncio
from typing import Any

import pytest

from dragoman.authz.check import Actor
from dragoman.domain.credential import Placement
from dragoman.domain.errors import Conflict
from dragoman.domain.llm import LLM, Provider
from dragoman.domain.principal import Role
from dragoman.registry.asked import AskedCredential, Draft, Unique
from dragoman.vault.secret import Secret
from tests.registry.installation import Installation, a_configuration, a_draft, an_edit
from tests.registry.test_llms import setting

PLAIN = "sk-one"
URL = "https://api.example/v1/chat/completions"
CONNECTION, NAME = frozenset({Unique.CONNECTION}), frozenset({Unique.NAME})


def drafted(
    url: str = URL,
    secret: str | None = PLAIN,
    *,
    unique: frozenset[Unique] = CONNECTION,
    **members: Any,
) -> Draft:
    return a_draft(a_configuration(url, **members), secret, unique=unique)


async def refusal(installation: Installation, who: Actor, draft: Draft) -> tuple[str, str]:
    """Try to create it; gives the refusal's code and message."""
    before = installation.count("llms"), installation.count("audit")
    with pytest.raises(Conflict) as refused:
        await installation.llms.create(who, draft)
    assert (installation.count("llms"), installation.count("audit")) == before
    return refused.value.code, refused.value.message


def named(name: str, *, claiming: bool = True) -> Draft:
    unique = NAME if claiming else frozenset[Unique]()
    return a_draft(a_configuration(display_name=name), unique=unique)


async def stored(installation: Installation, who: Actor, llm: LLM) -> LLM:
    return await installation.llms.get(who, llm.id)


# --- Connections ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "again",
    [
        drafted(),
        drafted("HTTPS://API.EXAMPLE:443/v1/chat/completions/"),
        drafted(display_name="another"),
        drafted(provider=Provider.VLLM),
        Draft(
            configuration=a_configuration(URL),
            credential=AskedCredential(Secret("sk-one"), Placement("AUTHORIZATION", "Bearer ")),
            unique=CONNECTION,
        ),
    ],
    ids=["the same", "spelling", "name", "provider", "header's case"],
)
@pytest.mark.parametrize("unique", [CONNECTION, frozenset()], ids=["claimed", "not claimed"])
async def test_a_connection_that_the_owner_has_is_refused_whoever_wrote_it(
    installation: Installation, again: Draft, unique: frozenset[Unique]
) -> None:
    who = await installation.acting()
    first = await installation.llms.create(who, drafted(unique=unique))
    code, message = await refusal(installation, who, again)
    assert code == "connection_taken"
    assert first.id in message
    assert "sk-one" not in message


@pytest.mark.parametrize(
    "other",
    [
        drafted(f"{URL}?x=1"),
        drafted(secret="sk-two"),
        drafted(secret=None),
        drafted(model="huge"),
    ],
    ids=["url", "secret", "no secret", "model"],
)
async def test_another_connection_is_taken(installation: Installation, other: Draft) -> None:
    who = await installation.acting()
    await installation.llms.create(who, drafted())
    await installation.llms.create(who, other)
    assert installation.count("llms") == 2


async def test_two_named_providers_are_two_connections_and_none_equals_both(
    installation: Installation,
) -> None:
    who = await installation.acting()
    await installation.llms.create(who, drafted(provider=Provider.VLLM))
    await installation.llms.create(who, drafted(provider=Provider.OLLAMA))
    for provider in (None, Provider.VLLM, Provider.OLLAMA):
        assert (await refusal(installation, who, drafted(provider=provider)))[0] == (
            "connection_taken"
        )


async def test_another_owner_has_connections_of_their_own(installation: Installation) -> None:
    ada, bob = await installation.acting(), await installation.acting(Role.EDITOR)
    await installation.llms.create(ada, drafted())
    await installation.llms.create(bob, drafted())
    assert (await refusal(installation, bob, drafted()))[0] == "connection_taken"


async def test_whoever_does_not_claim_is_not_refused_and_holds_nothing(
    installation: Installation,
) -> None:
    who = await installation.acting()
    holder = await installation.llms.create(who, drafted())
    assert holder.exclusive_key is not None
    free = await installation.llms.create(who, drafted(unique=frozenset()))
    assert free.exclusive_key is None
    assert free.connection_key == holder.connection_key


async def test_a_write_that_does_not_claim_lets_go_of_what_was_held(
    installation: Installation,
) -> None:
    who = await installation.acting()
    holder = await installation.llms.create(who, drafted())
    updated = await installation.llms.update(who, holder.id, an_edit(setting(description="x")))
    assert updated.exclusive_key is None
    assert updated.connection_key == holder.connection_key
    claimed = an_edit(setting(description="y"), unique=CONNECTION)
    again = await installation.llms.update(who, holder.id, claimed)
    assert again.exclusive_key == holder.exclusive_key
    assert await stored(installation, who, holder) == again


async def test_an_update_is_refused_where_it_would_become_the_connection_of_another(
    installation: Installation,
) -> None:
    who = await installation.acting()
    first = await installation.llms.create(who, drafted())
    second = await installation.llms.create(who, drafted(model="huge"))
    edit = an_edit(setting(model="tiny"), unique=CONNECTION)
    with pytest.raises(Conflict) as refused:
        await installation.llms.update(who, second.id, edit)
    assert refused.value.code == "connection_taken"
    assert first.id in refused.value.message
    assert await stored(installation, who, second) == second
    same = an_edit(setting(description="still the same"), unique=CONNECTION)
    await installation.llms.update(who, second.id, same)


@pytest.mark.parametrize(
    "edit",
    [an_edit(setting(model="huge")), an_edit(secret="sk-two"), an_edit(credential=None)],
    ids=["model", "secret", "no secret"],
)
async def test_a_changed_connection_makes_room_for_the_former_one(
    installation: Installation, edit: Any
) -> None:
    who = await installation.acting()
    first = await installation.llms.create(who, drafted())
    changed = await installation.llms.update(who, first.id, edit)
    assert changed.connection_key != first.connection_key
    await installation.llms.create(who, drafted())


async def test_a_deleted_connection_is_free_again(installation: Installation) -> None:
    who = await installation.acting()
    first = await installation.llms.create(who, drafted())
    await installation.llms.delete(who, first.id)
    await installation.llms.create(who, drafted())


async def test_of_many_at_once_one_is_registered(installation: Installation) -> None:
    who = await installation.acting()
    answers = await asyncio.gather(
        *(installation.llms.create(who, drafted()) for _ in range(20)), return_exceptions=True
    )
    assert len([answer for answer in answers if isinstance(answer, LLM)]) == 1
    assert len([answer for answer in answers if isinstance(answer, Conflict)]) == 19
    assert installation.count("llms") == 1


# --- Names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("claiming", [True, False])
async def test_a_name_is_claimed_against_whoever_has_it(
    installation: Installation, *, claiming: bool
) -> None:
    ada, bob = await installation.acting(), await installation.acting(Role.EDITOR)
    first = await installation.llms.create(ada, named("one", claiming=claiming))
    code, message = await refusal(installation, bob, named("one"))
    assert code == "name_taken"
    assert first.id not in message
    await installation.llms.create(bob, named("One"))
    await installation.llms.create(bob, named("one", claiming=False))


async def test_the_platforms_name_can_be_claimed(installation: Installation) -> None:
    """An organization's own LLM stands before the platform's of that name."""
    who = await installation.acting()
    claimed = await installation.llms.create(who, named("GPT-4o"))
    assert claimed.exclusive_name == "GPT-4o"


async def test_a_claim_stays_through_other_changes_and_follows_a_rename(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await installation.llms.create(who, named("one"))
    for change, name in (
        (setting(description="x"), "one"),
        (setting(display_name="two"), "two"),
        (setting(display_name="three"), "three"),
    ):
        llm = await installation.llms.update(who, llm.id, an_edit(change))
        assert llm.exclusive_name == name
    await installation.llms.create(who, named("one"))


async def test_a_rename_to_a_name_that_others_have_drops_the_claim(
    installation: Installation,
) -> None:
    who = await installation.acting()
    holder = await installation.llms.create(who, named("one"))
    other = await installation.llms.create(who, named("two"))
    clashing = await installation.llms.update(who, other.id, an_edit(setting(display_name="one")))
    assert clashing.exclusive_name is None
    assert (await stored(installation, who, holder)).exclusive_name == "one"
    edit = an_edit(setting(description="x"), unique=NAME)
    with pytest.raises(Conflict) as refused:
        await installation.llms.update(who, other.id, edit)
    assert refused.value.code == "name_taken"


async def test_a_rename_that_claims_is_refused_where_the_name_is_taken(
    installation: Installation,
) -> None:
    who = await installation.acting()
    await installation.llms.create(who, named("one", claiming=False))
    other = await installation.llms.create(who, named("two"))
    edit = an_edit(setting(display_name="one"), unique=NAME)
    with pytest.raises(Conflict):
        await installation.llms.update(who, other.id, edit)
    assert await stored(installation, who, other) == other
