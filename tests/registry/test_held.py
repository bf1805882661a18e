"""Secrets that the operator holds: used only where granted, and never stored."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.authz.check import Actor
from dragoman.domain.credential import Credential, GoogleAdc, Held, Placement, SecretReference
from dragoman.domain.errors import Invalid
from dragoman.domain.llm import LLM, ProtocolName
from dragoman.registry.asked import KEPT, AskedCredential, Edit
from dragoman.vault.secret import Secret
from tests.registry.installation import (
    ORGANIZATION_ID,
    Installation,
    a_configuration,
    a_draft,
    an_edit,
    borrowing,
)
from tests.registry.test_llms import moving, setting

KEY, OTHER = "env://ONE_KEY", "env://OTHER_KEY"
ONE, TWO = "https://one.example", "https://two.example"
GOOGLE = "https://europe-west4-aiplatform.googleapis.com"
REFUSED = {(("credential", "held"), "not_granted")}


async def created(
    installation: Installation, who: Actor, held: Held | str, *urls: str, **asked: Any
) -> LLM:
    configuration = a_configuration(*(urls or (f"{ONE}/v1",)))
    credential = borrowing(held, **asked)
    return await installation.llms.create(who, a_draft(configuration, credential=credential))


async def refusal(change: Any) -> set[Any]:
    """Try what is refused; gives where and why."""
    with pytest.raises(Invalid) as refused:
        await change
    return {(problem.path, problem.code) for problem in refused.value.problems}


async def stored(installation: Installation, who: Actor, llm: LLM) -> Credential:
    """Read an LLM's credential as it is stored."""
    found = (await installation.llms.get(who, llm.id)).credential
    assert found is not None
    return found


# --- What is not granted ---------------------------------------------------------------------


async def test_an_llm_that_names_a_granted_secret_is_stored_without_any(
    installation: Installation,
) -> None:
    await installation.granted(KEY, ONE)
    who = await installation.acting()
    llm = await created(installation, who, KEY)
    assert await installation.llms.get(who, llm.id) == llm
    assert llm.credential == Credential(
        Placement("Authorization", "Bearer "), 1, held=SecretReference(KEY)
    )
    assert installation.count("llm_secrets") == 0


@pytest.mark.parametrize(
    ("held", "urls"),
    [
        (OTHER, [f"{ONE}/v1"]),
        ("env://NOBODY_HAS_THIS", [f"{ONE}/v1"]),
        ("file:///run/secrets/other/key", [f"{ONE}/v1"]),
        ("file:///run/secrets/ours/../other/key", [f"{ONE}/v1"]),
        (KEY, [f"{TWO}/v1"]),
        (KEY, [f"{ONE}/v1", f"{TWO}/v1"]),
        (KEY, ["https://one.example:8443/v1"]),
        (KEY, ["https://one.example./v1"]),
        (KEY, ["https://a.one.example/v1"]),
        (GoogleAdc(), [f"{GOOGLE}/v1"]),
    ],
    ids=str,
)
async def test_what_is_not_granted_is_refused_when_it_is_created(
    installation: Installation, held: Held | str, urls: list[str]
) -> None:
    await installation.granted(KEY, ONE)
    await installation.granted("file:///run/secrets/ours/*", ONE)
    who = await installation.acting()
    found = await refusal(created(installation, who, held, *urls))
    assert found in (REFUSED, {(("credential", "held"), "invalid_reference")})
    assert installation.count("llms") == 0


async def test_what_another_organization_was_granted_is_refused_in_the_same_words(
    installation: Installation,
) -> None:
    """Nobody learns from a refusal which secrets there are."""
    installation.rows("INSERT INTO organizations VALUES ('o2', 'other', 1)")
    await installation.granted(KEY, ONE, organization="other")
    who = await installation.acting()
    told = set()
    for held in (KEY, "env://NOBODY_HAS_THIS"):
        with pytest.raises(Invalid) as refused:
            await created(installation, who, held)
        told.add(str(refused.value))
    assert len(told) == 1


async def test_an_update_may_not_take_a_held_secret_elsewhere(installation: Installation) -> None:
    await installation.granted(KEY, ONE)
    await installation.granted(OTHER, TWO)
    who = await installation.acting()
    llm = await created(installation, who, KEY)
    for edit in (
        an_edit(moving(f"{TWO}/v1")),
        an_edit(moving(f"{ONE}/v1", f"{TWO}/v1")),
        an_edit(moving("http://one.example/v1")),
        an_edit(credential=borrowing(OTHER)),
        an_edit(credential=borrowing("env://NOBODY_HAS_THIS")),
        an_edit(moving(f"{TWO}/v1"), credential=borrowing(KEY)),
    ):
        found = await refusal(installation.llms.update(who, llm.id, edit))
        assert found in (REFUSED, {(("endpoints", 0, "url"), "invalid_url")})
    assert await installation.llms.get(who, llm.id) == llm
    moved = an_edit(moving(f"{TWO}/v1"), credential=borrowing(OTHER))
    assert (await installation.llms.update(who, llm.id, moved)).configuration.origins == (
        f"{TWO}:443",
    )


async def test_an_update_of_what_is_not_granted_any_more_is_refused_until_it_is_again(
    installation: Installation,
) -> None:
    grant = await installation.granted(KEY, ONE)
    who = await installation.acting()
    llm = await created(installation, who, KEY)
    await installation.grants.take(grant.id)
    renaming = an_edit(setting(display_name="renamed"))
    assert await refusal(installation.llms.update(who, llm.id, renaming)) == REFUSED
    assert await installation.llms.update(who, llm.id, an_edit()) == llm
    without = an_edit(setting(display_name="renamed"), credential=None)
    assert (await installation.llms.update(who, llm.id, without)).credential is None


@pytest.mark.parametrize(
    "url",
    [
        "https://one.example/v1",
        "https://googleapis.com/v1",
        "https://evilgoogleapis.com/v1",
        "https://x.googleapis.com.evil.example/v1",
    ],
)
async def test_googles_tokens_go_to_google_only_even_if_a_grant_said_otherwise(
    installation: Installation, url: str
) -> None:
    grant = await installation.granted("google-adc")
    who = await installation.acting()
    llm = await created(installation, who, GoogleAdc(), f"{GOOGLE}/v1")
    installation.rows(
        "UPDATE grants SET origins = ? WHERE id = ?",
        '["https://*.example:443","https://one.example:443","https://googleapis.com:443"]',
        grant.id,
    )
    expected = {(("endpoints", 0, "url"), "not_google")}
    assert await refusal(created(installation, who, GoogleAdc(), url)) == expected
    edit = an_edit(moving(url))
    assert await refusal(installation.llms.update(who, llm.id, edit)) == expected


# --- From one secret to the next -------------------------------------------------------------


async def test_a_credential_goes_from_held_to_sealed_and_back_and_its_generation_grows(
    installation: Installation,
) -> None:
    await installation.granted(KEY, ONE)
    who = await installation.acting()
    llm = await created(installation, who, KEY, labels={"of": "operator"})
    llm = await installation.llms.update(who, llm.id, an_edit(secret="sk-own"))
    sealed = await stored(installation, who, llm)
    assert (sealed.held, sealed.generation, sealed.labels) == (None, 2, {"of": "operator"})
    assert installation.opened(llm) == "sk-own"
    llm = await installation.llms.update(who, llm.id, an_edit(credential=borrowing(KEY)))
    held = await stored(installation, who, llm)
    assert (held.held, held.sealed, held.generation) == (SecretReference(KEY), None, 3)
    assert installation.count("llm_secrets") == 0
    audit = "SELECT members FROM audit WHERE action = 'llm.update'"
    assert installation.rows(audit) == [('["secret"]',), ('["secret"]',)]


async def test_a_sealed_secret_does_not_come_back_with_its_header(
    installation: Installation,
) -> None:
    """An older ciphertext is of no use: it was taken away, and its generation is over."""
    await installation.granted(KEY, ONE)
    who = await installation.acting()
    llm = await installation.llms.create(who, a_draft(a_configuration(f"{ONE}/v1"), "sk-own"))
    await installation.llms.update(who, llm.id, an_edit(credential=borrowing(KEY)))
    llm = await installation.llms.update(who, llm.id, an_edit(credential=AskedCredential()))
    assert (await stored(installation, who, llm)).held == SecretReference(KEY)


async def test_the_same_name_again_is_no_change_and_another_one_is(
    installation: Installation,
) -> None:
    await installation.granted(KEY, ONE)
    await installation.granted(OTHER, ONE)
    who = await installation.acting()
    llm = await created(installation, who, KEY)
    for same in (borrowing(KEY), AskedCredential(), KEPT):
        assert await installation.llms.update(who, llm.id, Edit(credential=same)) == llm
    changed = await installation.llms.update(who, llm.id, an_edit(credential=borrowing(OTHER)))
    assert (await stored(installation, who, changed)).generation == 2
    hinted = borrowing(SecretReference(OTHER, {"version": "2"}))
    changed = await installation.llms.update(who, llm.id, an_edit(credential=hinted))
    assert (await stored(installation, who, changed)).generation == 3


async def test_a_held_secret_goes_into_another_header_without_being_named_again(
    installation: Installation,
) -> None:
    """Where it is sent, its grant says; nothing is sealed that would have to be bound anew."""
    await installation.granted(KEY, ONE)
    who = await installation.acting()
    llm = await created(installation, who, KEY)
    elsewhere = an_edit(credential=AskedCredential(placement=Placement("X-Key")))
    await installation.llms.update(who, llm.id, elsewhere)
    assert await stored(installation, who, llm) == Credential(
        Placement("X-Key"), 1, held=SecretReference(KEY)
    )
    await installation.llms.update(who, llm.id, an_edit(setting(protocol=ProtocolName.ANTHROPIC)))
    assert (await stored(installation, who, llm)).placement == Placement("X-Key")


async def test_googles_token_is_a_bearers_where_keys_have_another_header(
    installation: Installation,
) -> None:
    await installation.granted("google-adc")
    who = await installation.acting()
    url = "https://generativelanguage.googleapis.com/v1"
    gemini = a_configuration(url, protocol=ProtocolName.GEMINI)
    llm = await installation.llms.create(who, a_draft(gemini, "AIza-key"))
    bearer = Placement("Authorization", "Bearer ")
    for asked, place in (
        (borrowing(GoogleAdc()), bearer),
        (AskedCredential(Secret("AIza-other")), Placement("x-goog-api-key")),
        (borrowing(GoogleAdc(), placement=Placement("X-Token")), Placement("X-Token")),
        (AskedCredential(Secret("AIza-other")), Placement("X-Token")),
    ):
        await installation.llms.update(who, llm.id, an_edit(credential=asked))
        assert (await stored(installation, who, llm)).placement == place
    new = await installation.llms.create(who, a_draft(gemini, credential=borrowing(GoogleAdc())))
    assert (await stored(installation, who, new)).placement == bearer


async def test_labels_stay_unless_others_come(installation: Installation) -> None:
    await installation.granted(KEY, ONE)
    who = await installation.acting()
    llm = await created(installation, who, KEY, labels={"team": "a"})
    for asked, labels in (
        (AskedCredential(), {"team": "a"}),
        (AskedCredential(labels={"team": "b"}), {"team": "b"}),
        (AskedCredential(Secret("sk-own")), {"team": "b"}),
        (AskedCredential(labels={}), {}),
    ):
        await installation.llms.update(who, llm.id, an_edit(credential=asked))
        assert (await stored(installation, who, llm)).labels == labels
    assert installation.opened(await installation.llms.get(who, llm.id)) == "sk-own"


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ("sk-planted", "invalid_reference"),
        ("env://", "invalid_reference"),
        ("env://A B", "invalid_reference"),
        ("http://one.example/secret", "invalid_reference"),
        ("file:///run/../kek", "invalid_reference"),
        ("file:///run/..", "invalid_reference"),
        ("vault://kv/team", "invalid_reference"),
        ("vault://kv/..#key", "invalid_reference"),
        ("env://" + "A" * 1024, "invalid_reference"),
        (SecretReference(KEY, {f"h{n}": "" for n in range(21)}), "invalid_hints"),
        (GoogleAdc(("a scope",)), "invalid_google_adc"),
        (GoogleAdc((), "a\r\nproject"), "invalid_google_adc"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_can_be_nobodys_secret_is_refused_and_not_repeated(
    installation: Installation, held: Held | str, code: str
) -> None:
    who = await installation.acting()
    with pytest.raises(Invalid) as refused:
        await created(installation, who, held)
    assert [problem.code for problem in refused.value.problems] == [code]
    assert "planted" not in str(refused.value)


# --- A law -----------------------------------------------------------------------------------

SHARED = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
steps = st.lists(st.sampled_from(["held", "other", "sealed", "kept", "header", "none"]), max_size=6)
STEPS: dict[str, Edit] = {
    "held": an_edit(credential=borrowing(KEY)),
    "other": an_edit(credential=borrowing(OTHER)),
    "sealed": an_edit(secret="sk-own"),
    "kept": an_edit(setting(description="changed")),
    "header": an_edit(credential=AskedCredential(Secret("sk-own"), placement=Placement("X-Key"))),
    "none": an_edit(credential=None),
}


@SHARED
@given(path=steps)
async def test_an_llm_has_one_secret_at_most_and_none_that_it_had_before(
    installation: Installation, path: list[str]
) -> None:
    await installation.granted(KEY, ONE)
    await installation.granted(OTHER, ONE)
    who = await installation.acting()
    llm = await created(installation, who, KEY)
    seen = [llm.credential]
    for step in path:
        llm = await installation.llms.update(who, llm.id, STEPS[step])
        assert await installation.llms.get(who, llm.id) == llm
        seen.append(llm.credential)
        if llm.credential is not None:
            assert (llm.credential.sealed is None) is (llm.credential.held is not None)
        rows = "SELECT COUNT(*) FROM llm_secrets WHERE llm_id = ?"
        is_sealed = llm.credential is not None and llm.credential.sealed is not None
        assert installation.rows(rows, llm.id) == [(int(is_sealed),)]
    for old, new in itertools.pairwise(seen):
        if old is not None and new is not None:
            another = old.held != new.held or old.sealed != new.sealed
            assert new.generation == old.generation + another
    assert installation.rows(
        "SELECT COUNT(*) FROM grants WHERE organization_id = ?", ORGANIZATION_ID
    ) == [(2,)]
