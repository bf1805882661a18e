"""The state of an LLM's credential: stored, resolved, or not to be had."""

import asyncio
from collections.abc import Collection

import msgspec
import pytest

from dragoman.authz.check import Actor
from dragoman.domain.credential import Credential, Held, Placement, SecretReference
from dragoman.domain.errors import Forbidden, Unavailable
from dragoman.domain.llm import LLM
from dragoman.registry import credential_state
from dragoman.registry.credential_state import CredentialStates
from dragoman.vault.held import Lent
from tests.fakes.held import FakeHeldSecrets
from tests.registry.installation import Installation, a_configuration, a_draft


class SlowSecrets:
    """A source that is waited for in vain, or whose grants cannot be read."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def lend(self, _: str, __: Held, ___: Collection[str]) -> Lent:
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
async def who(installation: Installation) -> Actor:
    return await installation.acting()


@pytest.fixture
async def llm(installation: Installation, who: Actor) -> LLM:
    return await installation.llms.create(who, a_draft(a_configuration(), "sk-one"))


def naming(llm: LLM, uri: str) -> LLM:
    credential = Credential(Placement("Authorization"), 1, held=SecretReference(uri))
    return msgspec.structs.replace(llm, credential=credential)


async def test_what_is_sealed_here_is_stored_and_its_secret_is_asked_of_nobody(
    who: Actor, llm: LLM
) -> None:
    held = FakeHeldSecrets()
    assert await CredentialStates(held).of(who, llm) == "stored"
    without = msgspec.structs.replace(llm, credential=None)
    assert await CredentialStates(held).of(who, without) is None
    assert held.asked == []


async def test_what_the_operator_lends_is_resolved_and_all_else_is_not(
    who: Actor, llm: LLM
) -> None:
    held = FakeHeldSecrets(KEY="sk-one")
    states = CredentialStates(held)
    assert await states.of(who, naming(llm, "env://KEY")) == "resolved"
    assert await states.of(who, naming(llm, "env://OTHER")) == "unresolved"
    assert [asked[0] for asked in held.asked] == [llm.organization_id] * 2
    assert [asked[2] for asked in held.asked] == [llm.configuration.origins] * 2


async def test_a_source_that_says_nothing_is_not_waited_for(
    who: Actor, llm: LLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential_state, "PATIENCE_S", 0.02)
    states = CredentialStates(SlowSecrets())
    assert await states.of(who, naming(llm, "env://KEY")) == "unresolved"


async def test_a_database_that_is_away_is_no_state_of_a_credential(who: Actor, llm: LLM) -> None:
    states = CredentialStates(SlowSecrets(Unavailable("The database is away.")))
    with pytest.raises(Unavailable):
        await states.of(who, naming(llm, "env://KEY"))


async def test_whoever_may_not_read_llms_learns_no_state(who: Actor, llm: LLM) -> None:
    nobody = msgspec.structs.replace(who, permissions=frozenset())
    held = FakeHeldSecrets(KEY="sk-one")
    with pytest.raises(Forbidden):
        await CredentialStates(held).of(nobody, naming(llm, "env://KEY"))
    assert held.asked == []
