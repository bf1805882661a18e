"""From a name to an LLM that can be called: what is remembered, and what makes it forgotten."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from dragoman.authz.check import Actor, operator
from dragoman.domain.change import Change, Noun
from dragoman.domain.credential import Credential, Placement, SecretReference
from dragoman.domain.errors import CredentialUnusable, Forbidden, NotCallable, NotFound
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM
from dragoman.domain.principal import Organization, Role
from dragoman.gateway.directory import UNKNOWN_NAMES_MS, Directory
from tests.fakes.held import FakeHeldSecrets
from tests.fakes.watched import WatchedStore
from tests.registry.installation import (
    ORGANIZATION_ID,
    Installation,
    a_configuration,
    a_draft,
    an_edit,
)
from tests.registry.test_llms import setting

OTHER_ID = "01a00000-0000-7000-8000-0000000000be"
PLATFORM_LLM_ID = "01a00000-0000-7000-8000-0000000000ff"


class Gateway:
    """A directory on a watched store, and somebody to ask it for each organization."""

    def __init__(
        self,
        installation: Installation,
        in_between: Callable[[], None] = lambda: None,
        held: FakeHeldSecrets | None = None,
    ) -> None:
        self.installation = installation
        self.store = WatchedStore(installation.store, in_between)
        self.directory = Directory(
            store=self.store,
            vault=installation.vault,
            held=held or FakeHeldSecrets(),
            clock=installation.clock,
        )

    async def looks(self, who: Actor, *names: str) -> int:
        """Find these, and count the looks into the database that it took."""
        before = self.store.looks
        for name in names:
            await self.directory.find(who, name)
        return self.store.looks - before

    async def misses(self, who: Actor, name: str) -> int:
        """Fail to find this, and count the looks."""
        before = self.store.looks
        with pytest.raises(NotFound):
            await self.directory.find(who, name)
        return self.store.looks - before

    def hear(self, noun: Noun, target_id: str, organization_id: str = ORGANIZATION_ID) -> None:
        self.directory.changed([Change(9, noun, organization_id, target_id)])


@pytest.fixture
def gateway(installation: Installation) -> Gateway:
    return Gateway(installation)


async def named(installation: Installation, who: Actor, name: str) -> LLM:
    draft = a_draft(a_configuration(display_name=name), "sk-one")
    return await installation.llms.create(who, draft)


async def stranger(installation: Installation) -> Actor:
    """Make somebody of another organization."""
    clock = installation.clock
    async with installation.store.writing() as work:
        await work.principals.add_organization(Organization(OTHER_ID, "other", clock.now_ms()))
    return await installation.acting(organization_id=OTHER_ID)


async def platform_llm(
    installation: Installation, name: str, llm_id: str = PLATFORM_LLM_ID, **members: Any
) -> LLM:
    """Make an LLM of the operator's."""
    llm = LLM(
        id=llm_id,
        organization_id=PLATFORM_ORGANIZATION_ID,
        owner_id="operator",
        configuration=a_configuration(display_name=name, **members),
        created_at_ms=0,
        created_by="operator",
    )
    async with installation.store.writing() as work:
        if await work.principals.organization(PLATFORM_ORGANIZATION_ID) is None:
            await work.principals.add_organization(Organization(PLATFORM_ORGANIZATION_ID, "p", 0))
        await work.llms.add(llm)
    return llm


async def test_what_was_found_is_remembered_by_id_and_by_name(
    installation: Installation, gateway: Gateway
) -> None:
    who = await installation.acting()
    llm = await named(installation, who, "one")
    assert await gateway.looks(who, "one") == 1
    assert await gateway.looks(who, llm.id) == 1
    assert await gateway.looks(who, "one", llm.id, "one") == 0
    target = await gateway.directory.find(who, "one")
    assert target.llm.id == llm.id
    assert target.secret is not None
    assert target.secret.reveal() == "sk-one"


async def test_a_change_of_an_llm_makes_its_organization_look_again_and_nobody_else(
    installation: Installation, gateway: Gateway
) -> None:
    who, other = await installation.acting(), await stranger(installation)
    one, two = await named(installation, who, "one"), await named(installation, who, "two")
    await named(installation, other, "theirs")
    shared = await platform_llm(installation, "shared")
    await gateway.looks(who, "one", "two", "shared")
    await gateway.looks(other, "theirs", "shared", shared.id)

    await installation.llms.update(who, one.id, an_edit(setting(model="new"), "sk-new"))
    gateway.hear(Noun.LLM, one.id)

    changed = await gateway.directory.find(who, "one")
    assert changed.llm.configuration.model == "new"
    assert changed.secret is not None
    assert changed.secret.reveal() == "sk-new"
    assert await gateway.looks(who, "two", two.id, "shared") == 3
    assert await gateway.looks(other, "theirs", "shared", shared.id) == 0


async def test_a_change_of_the_platforms_is_felt_by_all(
    installation: Installation, gateway: Gateway
) -> None:
    who, other = await installation.acting(), await stranger(installation)
    shared = await platform_llm(installation, "shared")
    await gateway.looks(who, "shared")
    await gateway.looks(other, "shared", shared.id)

    changed = msgspec.structs.replace(shared, configuration=a_configuration(display_name="new"))
    async with installation.store.writing() as work:
        await work.llms.replace(changed)
    gateway.hear(Noun.LLM, shared.id, PLATFORM_ORGANIZATION_ID)

    for somebody in (who, other):
        assert await gateway.misses(somebody, "shared") == 1
        assert (await gateway.directory.find(somebody, "new")).llm.id == shared.id
        assert (await gateway.directory.find(somebody, shared.id)).llm == changed


async def test_a_change_of_what_is_granted_makes_everybody_look_again(
    installation: Installation, gateway: Gateway
) -> None:
    who = await installation.acting()
    await named(installation, who, "one")
    await gateway.looks(who, "one")
    gateway.hear(Noun.GRANT, "a grant")
    assert await gateway.looks(who, "one") == 1


async def test_a_lent_secret_is_asked_for_again_when_its_time_is_over_and_the_row_is_not(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await named(installation, who, "one")
    place = Placement("Authorization", "Bearer ")
    lent = Credential(place, 1, held=SecretReference("env://KEY"))
    async with installation.store.writing() as work:
        await work.llms.replace(msgspec.structs.replace(llm, credential=lent))
    good_until_ms = installation.clock.now_ms() + 1000
    held = FakeHeldSecrets(good_until_ms, KEY="sk-first")
    gateway = Gateway(installation, held=held)

    async def sent() -> list[tuple[bytes, bytes]]:
        return (await gateway.directory.find(who, "one")).secret_lines.lines

    for _ in range(2):
        assert await sent() == [(b"authorization", b"Bearer sk-first")]
    installation.clock.time_ms = good_until_ms - 1
    await sent()
    assert len(held.asked) == 1
    held.secrets["env://KEY"] = "sk-second"
    installation.clock.time_ms = good_until_ms
    assert await sent() == [(b"authorization", b"Bearer sk-second")]
    assert gateway.store.looks == 1
    del held.secrets["env://KEY"]
    with pytest.raises(CredentialUnusable):
        await sent()


async def test_changes_of_other_things_make_nobody_look_again(
    installation: Installation, gateway: Gateway
) -> None:
    who = await installation.acting()
    await named(installation, who, "one")
    await gateway.looks(who, "one")
    for noun in set(Noun) - {Noun.LLM, Noun.GRANT}:
        gateway.hear(noun, str(who.principal_id))
    assert await gateway.looks(who, "one") == 0
    gateway.directory.forget()
    assert await gateway.looks(who, "one") == 1


async def test_an_llm_that_is_disabled_deleted_or_renamed_is_not_called_any_more(
    installation: Installation, gateway: Gateway
) -> None:
    who = await installation.acting()
    llm = await named(installation, who, "one")
    await gateway.looks(who, "one", llm.id)

    await installation.llms.update(who, llm.id, an_edit(setting(display_name="two")))
    gateway.hear(Noun.LLM, llm.id)
    await gateway.misses(who, "one")
    await gateway.looks(who, "two")

    await installation.llms.update(who, llm.id, an_edit(setting(enabled=False)))
    gateway.hear(Noun.LLM, llm.id)
    for name in ("two", llm.id):
        with pytest.raises(NotCallable) as refused:
            await gateway.directory.find(who, name)
        assert refused.value.code == "llm_disabled"

    await installation.llms.delete(who, llm.id)
    gateway.hear(Noun.LLM, llm.id)
    for name in ("two", llm.id):
        await gateway.misses(who, name)


# --- What is not there ---------------------------------------------------------------------------


async def test_a_name_that_nothing_has_is_remembered_for_a_while(
    installation: Installation, gateway: Gateway
) -> None:
    who = await installation.acting()
    assert [await gateway.misses(who, "nothing") for _ in range(3)] == [1, 0, 0]
    installation.clock.time_ms += UNKNOWN_NAMES_MS - 1
    assert await gateway.misses(who, "nothing") == 0
    installation.clock.time_ms += 1
    assert [await gateway.misses(who, "nothing") for _ in range(2)] == [1, 0]


async def test_a_new_llm_is_found_at_once_where_its_name_was_unknown(
    installation: Installation, gateway: Gateway
) -> None:
    who, other = await installation.acting(), await stranger(installation)
    await gateway.misses(who, "new")
    await gateway.misses(other, "new")
    llm = await named(installation, who, "new")
    gateway.hear(Noun.LLM, llm.id)
    assert await gateway.looks(who, "new") == 1
    assert await gateway.misses(other, "new") == 0

    shared = await platform_llm(installation, "new")
    gateway.hear(Noun.LLM, shared.id, PLATFORM_ORGANIZATION_ID)
    assert await gateway.looks(other, "new") == 1
    assert (await gateway.directory.find(who, "new")).llm.id == llm.id


# --- Races ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("organization_id", [ORGANIZATION_ID, PLATFORM_ORGANIZATION_ID])
async def test_what_was_read_before_a_change_and_arrives_after_it_is_not_kept(
    installation: Installation, organization_id: str
) -> None:
    who = await installation.acting()
    llm = await named(installation, who, "one")

    def change() -> None:
        racing.hear(Noun.LLM, llm.id, organization_id)

    racing = Gateway(installation, change)
    assert await racing.looks(who, "one", "one", "one") == 3
    assert [await racing.misses(who, "nothing") for _ in range(2)] == [1, 1]


async def test_a_change_of_something_else_during_a_look_costs_nothing(
    installation: Installation,
) -> None:
    who = await installation.acting()
    await named(installation, who, "one")
    racing = Gateway(installation, lambda: racing.hear(Noun.KEY, "key"))
    assert await racing.looks(who, "one", "one") == 1


async def test_own_and_any_are_never_mixed_in_what_is_remembered(
    installation: Installation, gateway: Gateway
) -> None:
    ada, bob = await installation.acting(), await installation.acting()
    bobs_own = msgspec.structs.replace(bob, permissions=frozenset({"llm:use:own"}))
    adas = await named(installation, ada, "one")
    for _ in range(2):
        assert (await gateway.directory.find(bob, "one")).llm.id == adas.id
        for name in ("one", adas.id):
            with pytest.raises(NotFound):
                await gateway.directory.find(bobs_own, name)
        assert (await gateway.directory.find(ada, adas.id)).llm.id == adas.id

    bobs = await named(installation, bob, "one")
    gateway.hear(Noun.LLM, bobs.id)
    for _ in range(2):
        assert (await gateway.directory.find(bobs_own, "one")).llm.id == bobs.id
        with pytest.raises(NotCallable, match="Several LLMs have this name"):
            await gateway.directory.find(ada, "one")


async def test_an_id_of_another_organization_is_as_unknown_as_any(
    installation: Installation, gateway: Gateway
) -> None:
    who, other = await installation.acting(), await stranger(installation)
    theirs = await named(installation, other, "theirs")
    await gateway.looks(other, "theirs", theirs.id)
    said = []
    for name in ("theirs", theirs.id, "never there"):
        with pytest.raises(NotFound) as refused:
            await gateway.directory.find(who, name)
        said.append((refused.value.message, refused.value.code))
    assert len(set(said)) == 1


async def test_an_organizations_own_name_and_id_stand_before_the_platforms(
    installation: Installation, gateway: Gateway
) -> None:
    who = await installation.acting()
    own = await named(installation, who, "one")
    await platform_llm(installation, "one")
    assert (await gateway.directory.find(who, "one")).llm.id == own.id
    await installation.llms.delete(who, own.id)
    gateway.hear(Noun.LLM, own.id)
    assert (await gateway.directory.find(who, "one")).llm.is_platform


async def test_whoever_may_not_call_is_refused_before_anything_is_looked_up(
    installation: Installation, gateway: Gateway
) -> None:
    viewer = await installation.acting(Role.VIEWER)
    for who in (viewer, msgspec.structs.replace(operator(), permissions=frozenset())):
        with pytest.raises(Forbidden):
            await gateway.directory.find(who, "one")
    assert gateway.store.looks == 0
