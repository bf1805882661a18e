"""What a store promises of grants, and of the LLMs that depend on them."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.domain.change import Change, Noun
from dragoman.domain.credential import Credential, GoogleAdc, Placement, SecretReference
from dragoman.domain.grant import Grant
from dragoman.domain.llm import LLM
from dragoman.domain.ports import Store
from tests.contracts.conftest import Engine
from tests.storage.samples import AUDIT_ENTRY, FULL_LLM, GRANT, named_llm, texts, times

SHARED = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""The store is shared by all examples; each one leaves it as it was."""

THEIRS = msgspec.structs.replace(GRANT, id="theirs", organization_id="other")
OLDER = msgspec.structs.replace(GRANT, id="older", created_at_ms=GRANT.created_at_ms - 1)

grants = st.builds(
    Grant,
    st.just("any"),
    st.just("org"),
    texts,
    st.lists(texts, max_size=3).map(tuple),
    times,
)


async def test_grants_are_listed_oldest_first_and_by_organization(store: Store) -> None:
    async with store.writing() as work:
        for grant in (GRANT, THEIRS, OLDER):
            await work.grants.add(grant)
    async with store.reading() as view:
        assert await view.grants.all() == [OLDER, GRANT, THEIRS]
        assert await view.grants.of("org") == [OLDER, GRANT]
        assert await view.grants.of("other") == [THEIRS]
        assert await view.grants.of("platform") == []


async def test_a_grant_that_is_taken_is_gone_and_the_others_stay(store: Store) -> None:
    async with store.writing() as work:
        await work.grants.add(GRANT)
        await work.grants.add(THEIRS)
    async with store.writing() as work:
        await work.grants.remove(GRANT)
        await work.grants.remove(GRANT)
    async with store.reading() as view:
        assert await view.grants.all() == [THEIRS]


@SHARED
@given(grant=grants)
async def test_any_grant_is_read_again(store: Store, grant: Grant) -> None:
    async with store.writing(keep=False) as work:
        await work.grants.add(grant)
        assert await work.grants.of("org") == [grant]


async def test_nobody_is_granted_something_twice_under_one_id_or_without_being_there(
    engine: Engine,
) -> None:
    nobodys = msgspec.structs.replace(GRANT, organization_id="nobody")
    async with engine.store.writing() as work:
        await work.grants.add(GRANT)
    for wrong in (GRANT, nobodys):
        with pytest.raises(engine.refusal):
            async with engine.store.writing() as work:
                await work.grants.add(wrong)
    async with engine.store.reading() as view:
        assert await view.grants.all() == [GRANT]


async def test_a_process_hears_whose_grants_have_changed(engine: Engine) -> None:
    entry = msgspec.structs.replace(
        AUDIT_ENTRY, organization_id="other", action="grant.create", target_id="theirs"
    )
    async with engine.store.writing() as work:
        await work.grants.add(THEIRS)
        number = await work.audit.record(entry)
    assert engine.heard.changes == [Change(number, Noun.GRANT, "other", "theirs")]


def borrower(id_: str, credential: Credential | None, organization_id: str = "org") -> LLM:
    return msgspec.structs.replace(
        named_llm(id_, id_), credential=credential, organization_id=organization_id
    )


async def test_the_llms_are_found_whose_secret_the_operator_holds(store: Store) -> None:
    place = Placement("X-Key")
    reference = borrower("reference", Credential(place, 2, held=SecretReference("env://A")))
    google = borrower("google", Credential(place, 1, held=GoogleAdc(("s",), "p")))
    theirs = borrower("theirs", Credential(place, 1, held=GoogleAdc()), "other")
    with_headers = msgspec.structs.replace(google, headers=FULL_LLM.headers)
    async with store.writing() as work:
        for llm in (FULL_LLM, reference, with_headers, theirs, borrower("bare", None)):
            await work.llms.add(llm)
        found = await work.llms.borrowers("org")
        assert sorted(found, key=lambda llm: llm.id) == [google, reference]
        assert await work.llms.borrowers("other") == [theirs]
