"""Whom a process remembers, and what makes it forget them."""

import pytest

from dragoman.authz.check import Actor, operator
from dragoman.domain.change import Change, Noun
from dragoman.domain.errors import Unauthenticated
from dragoman.domain.principal import Role
from dragoman.registry.authentication import Authenticator
from dragoman.storage.unit_of_work import SqlStore
from dragoman.vault import api_key
from tests.fakes.watched import WatchedStore
from tests.registry.installation import ORGANIZATION_ID, Installation
from tests.registry.test_organizations import another

ABOUT_ACTORS = [Noun.KEY, Noun.PRINCIPAL, Noun.ORGANIZATION]


class Watching:
    """An authenticator on a watched store."""

    def __init__(self, installation: Installation) -> None:
        self.store = WatchedStore(installation.store)
        self.authenticator = Authenticator(store=self.store, clock=installation.clock)

    async def looks(self, key: str) -> int:
        """Authenticate, and count the looks into the database."""
        before = self.store.looks
        await self.authenticator.authenticate([key])
        return self.store.looks - before

    async def misses(self, key: str) -> int:
        """Fail to authenticate, and count the looks."""
        before = self.store.looks
        with pytest.raises(Unauthenticated, match=r"^Invalid API key\.$"):
            await self.authenticator.authenticate([key])
        return self.store.looks - before

    def hear(self, noun: Noun, organization_id: str = ORGANIZATION_ID) -> None:
        self.authenticator.changed([Change(9, noun, organization_id, "target")])


@pytest.fixture
def watching(installation: Installation) -> Watching:
    return Watching(installation)


@pytest.mark.parametrize("noun", ABOUT_ACTORS)
async def test_a_change_of_who_acts_makes_its_organization_look_again_and_no_other(
    installation: Installation, watching: Watching, noun: Noun
) -> None:
    other = await another(installation)
    ours = (await installation.new_key()).text
    theirs = (await installation.new_key(organization_id=other.id)).text
    await watching.looks(ours)
    await watching.looks(theirs)
    watching.hear(noun)
    assert await watching.looks(theirs) == 0
    assert [await watching.looks(ours) for _ in range(2)] == [1, 0]


async def test_a_change_of_llms_makes_nobody_look_again(
    installation: Installation, watching: Watching
) -> None:
    key, unknown = (await installation.new_key()).text, api_key.generate()
    await watching.looks(key)
    await watching.misses(unknown)
    watching.hear(Noun.LLM)
    assert await watching.looks(key) == 0
    assert await watching.misses(unknown) == 0


@pytest.mark.parametrize("noun", ABOUT_ACTORS)
async def test_an_unknown_key_is_looked_up_again_after_any_change_of_who_acts(
    installation: Installation, watching: Watching, noun: Noun
) -> None:
    """Nobody knows whose a key is before it is there."""
    unknown = api_key.generate()
    assert [await watching.misses(unknown) for _ in range(2)] == [1, 0]
    watching.hear(noun, "any organization")
    assert [await watching.misses(unknown) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("is_known", [True, False])
async def test_what_was_read_before_a_change_is_not_remembered_after_it(
    installation: Installation, watching: Watching, *, is_known: bool
) -> None:
    key = (await installation.new_key()).text if is_known else api_key.generate()
    watching.store._in_between = lambda: watching.hear(Noun.KEY)
    look = watching.looks if is_known else watching.misses
    assert [await look(key) for _ in range(2)] == [1, 1]


async def test_a_process_feels_its_own_changes_at_once(installation: Installation) -> None:
    """Its store tells it; here the installation's own use cases write through such a store."""
    authenticator = installation.authenticator
    store = SqlStore(installation.database, authenticator)
    for part in (installation.keys, installation.principals, installation.organizations):
        part._store = store

    async def acting(text: str) -> Actor:
        return await authenticator.authenticate([text])

    new = await installation.new_key(Role.EDITOR)
    assert "llm:create:own" in (await acting(new.text)).permissions
    await installation.principals.update(
        operator(), new.principal.id, role=Role.CALLER, organization_id=ORGANIZATION_ID
    )
    assert "llm:create:own" not in (await acting(new.text)).permissions
    await installation.keys.revoke(operator(), new.key.id, ORGANIZATION_ID)
    with pytest.raises(Unauthenticated):
        await acting(new.text)

    gone = await installation.new_key(Role.EDITOR)
    await acting(gone.text)
    await installation.principals.delete(operator(), gone.principal.id, ORGANIZATION_ID)
    with pytest.raises(Unauthenticated):
        await acting(gone.text)
