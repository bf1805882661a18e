"""What is secret about an LLM: the credential, extra headers, and where they may go."""

import itertools
from typing import Any

import msgspec
import pytest

from dragoman.authz.check import Actor
from dragoman.domain.credential import Placement, Sealed
from dragoman.domain.errors import CredentialUnusable, Invalid
from dragoman.domain.llm import LLM, ProtocolName
from dragoman.registry.asked import AskedCredential
from dragoman.vault.envelope import Binding, binding, header_binding
from dragoman.vault.secret import Secret
from tests.registry.installation import Installation, a_configuration, a_draft, an_edit
from tests.registry.test_llms import ONE, TWO, moving, setting

PLAIN = "sk-one"
TEAM, TRACE = "xh-team-4f1d7c", "xh-trace-90b2e1"
MOVED = moving("https://evil.example/v1")


def bindings(llm: LLM) -> dict[str, tuple[Sealed, Binding]]:
    """Give everything that is sealed for an LLM, with what each is for."""
    found = {
        header.name: (header.sealed, header_binding(llm, header.name, header.generation))
        for header in llm.headers
    }
    stored = llm.credential
    if stored is not None and stored.sealed is not None:
        found["credential"] = (stored.sealed, binding(llm, stored.placement, stored.generation))
    return found


def opened(installation: Installation, llm: LLM) -> dict[str, str]:
    """Open everything, as the gateway would."""
    return {
        name: installation.vault.open(sealed, bound).reveal()
        for name, (sealed, bound) in bindings(llm).items()
    }


async def registered(
    installation: Installation, who: Actor, *urls: str, secret: str | None = PLAIN, **asked: Any
) -> LLM:
    """Register an LLM with two extra headers, and read it as it is stored."""
    headers = {"x-trace": Secret(TRACE), "x-team": Secret(TEAM)}
    draft = a_draft(a_configuration(*urls), secret, **{"headers": headers, **asked})
    created = await installation.llms.create(who, draft)
    assert await installation.llms.get(who, created.id) == created
    return created


async def codes(installation: Installation, who: Actor, llm: LLM, edit: Any) -> set[Any]:
    """Try an update that is refused; gives where and why, and checks that nothing changed."""
    with pytest.raises(Invalid) as refused:
        await installation.llms.update(who, llm.id, edit)
    assert await installation.llms.get(who, llm.id) == llm
    return {(problem.path, problem.code) for problem in refused.value.problems}


# --- Extra headers -------------------------------------------------------------------------------


async def test_headers_are_sealed_and_stand_in_the_order_of_their_names(
    installation: Installation,
) -> None:
    llm = await registered(installation, await installation.acting())
    assert [(header.name, header.generation) for header in llm.headers] == [
        ("x-team", 1),
        ("x-trace", 1),
    ]
    assert opened(installation, llm) == {
        "credential": "sk-one",
        "x-team": TEAM,
        "x-trace": TRACE,
    }
    for file in installation.path.parent.iterdir():
        for plain in ("sk-one", TEAM, TRACE):
            assert plain.encode() not in file.read_bytes()


async def test_a_header_is_added_replaced_and_taken_away_and_others_stay(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await registered(installation, who)
    edit = an_edit(headers={"x-team": Secret("team-2-value"), "x-new": Secret("new-value")})
    llm = await installation.llms.update(who, llm.id, edit)
    assert [(header.name, header.generation) for header in llm.headers] == [
        ("x-new", 1),
        ("x-team", 2),
        ("x-trace", 1),
    ]
    llm = await installation.llms.update(who, llm.id, an_edit(headers={"x-trace": None}))
    assert opened(installation, await installation.llms.get(who, llm.id)) == {
        "credential": "sk-one",
        "x-new": "new-value",
        "x-team": "team-2-value",
    }


async def test_a_change_of_headers_is_recorded_by_name_of_the_member_alone(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await registered(installation, who)
    await installation.llms.update(who, llm.id, an_edit(headers={"x-team": Secret("team-2-value")}))
    await installation.llms.update(who, llm.id, an_edit(headers={"x-team": None, "x-none": None}))
    rows = installation.rows("SELECT members FROM audit WHERE action = 'llm.update'")
    assert rows == [('["headers"]',), ('["headers"]',)]
    assert "x-team" not in repr(installation.rows("SELECT * FROM audit"))


@pytest.mark.parametrize(
    "edit",
    [an_edit(headers={}), an_edit(headers={"x-none": None}), an_edit()],
    ids=["none named", "one that is not there", "nothing"],
)
async def test_what_changes_no_header_is_no_change(installation: Installation, edit: Any) -> None:
    who = await installation.acting()
    llm = await registered(installation, who)
    assert await installation.llms.update(who, llm.id, edit) == llm


@pytest.mark.parametrize("name", ["Authorization", "api-key", "X-API-Key", "cookie", "Set-Cookie"])
async def test_a_header_that_is_for_credentials_is_refused(
    installation: Installation, name: str
) -> None:
    who = await installation.acting()
    with pytest.raises(Invalid, match="register it as the credential instead"):
        await registered(installation, who, headers={name: Secret("some-value")})


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Via", "cdn-loop", "te", "X-Forwarded-For"]
)
async def test_a_header_that_the_gateway_writes_is_refused(
    installation: Installation, name: str
) -> None:
    who = await installation.acting()
    with pytest.raises(Invalid, match="only the gateway itself may write"):
        await registered(installation, who, headers={name: Secret("some-value")})


@pytest.mark.parametrize("name", ["", "x y", "x:y", "x\r\ny", "sk-plänted", "x" * 129])
async def test_what_is_no_headers_name_is_refused_and_not_repeated(
    installation: Installation, name: str
) -> None:
    who = await installation.acting()
    with pytest.raises(Invalid) as refused:
        await registered(installation, who, headers={name: Secret("some-value")})
    [problem] = refused.value.problems
    assert (problem.path, problem.code) == (("headers",), "invalid_header")
    assert name not in problem.message or not name


@pytest.mark.parametrize("value", ["****", "sk-****", "a\r\nx-evil: 1", " a", "a\n", "ä", ""])
async def test_what_cannot_be_sent_or_is_a_mask_is_refused_and_not_repeated(
    installation: Installation, value: str
) -> None:
    who = await installation.acting()
    llm = await registered(installation, who)
    edits = an_edit(headers={"x-team": Secret(value)}), an_edit(secret=value)
    found = [await codes(installation, who, llm, edit) for edit in edits]
    assert found == [
        {(("headers", "x-team"), "invalid_secret")},
        {(("secret",), "invalid_secret")},
    ]


# --- Where they may go ---------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["sk-one", None], ids=["with a credential", "without one"])
async def test_a_new_origin_needs_every_secret_that_is_stored_again(
    installation: Installation, secret: str | None
) -> None:
    who = await installation.acting()
    llm = await registered(installation, who, secret=secret)
    needed: list[tuple[str, tuple[str, ...]]]
    needed = [] if secret is None else [("credential", ("secret",))]
    needed += [("x-team", ("headers", "x-team")), ("x-trace", ("headers", "x-trace"))]
    brought = {name: Secret(f"{name}-again") for name, _ in needed}

    for sent in itertools.product([False, True], repeat=len(needed)):
        again = [name for (name, _), is_sent in zip(needed, sent, strict=True) if is_sent]
        edit = an_edit(
            MOVED,
            "sk-again-value" if "credential" in again else None,
            headers={name: brought[name] for name in again if name != "credential"},
        )
        missing = {path for name, path in needed if name not in again}
        if missing:
            found = await codes(installation, who, llm, edit)
            assert found <= {(path, "secret_required") for path in missing}
            assert found
        else:
            moved = await installation.llms.update(who, llm.id, edit)
            assert opened(installation, moved).keys() == {name for name, _ in needed}


async def test_a_header_can_be_taken_away_instead(installation: Installation) -> None:
    who = await installation.acting()
    llm = await registered(installation, who, secret=None)
    edit = an_edit(MOVED, headers={"x-team": None, "x-trace": None})
    assert (await installation.llms.update(who, llm.id, edit)).headers == ()


async def test_kept_secrets_follow_a_narrowing_and_open_nowhere_else(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await registered(installation, who, ONE, TWO)
    narrowed = await installation.llms.update(who, llm.id, an_edit(moving(TWO)))
    assert opened(installation, narrowed) == opened(installation, llm)
    for name, (sealed, _) in bindings(narrowed).items():
        assert sealed != bindings(llm)[name][0]
        with pytest.raises(CredentialUnusable):
            installation.vault.open(sealed, bindings(llm)[name][1])
    assert await codes(installation, who, narrowed, an_edit(moving(ONE, TWO)))


async def test_to_put_the_credential_elsewhere_needs_it_again(installation: Installation) -> None:
    who = await installation.acting()
    llm = await registered(installation, who)
    required = {(("secret",), "secret_required")}
    elsewhere = Placement("X-Key")
    for edit in (
        an_edit(credential=AskedCredential(placement=elsewhere)),
        an_edit(credential=AskedCredential(placement=Placement("Authorization", "Token "))),
        an_edit(setting(protocol=ProtocolName.ANTHROPIC)),
    ):
        assert await codes(installation, who, llm, edit) == required
    edit = an_edit(credential=AskedCredential(Secret("sk-new"), elsewhere))
    moved = await installation.llms.update(who, llm.id, edit)
    assert moved.credential is not None
    assert moved.credential.placement == elsewhere
    assert opened(installation, moved)["credential"] == "sk-new"


async def test_a_placement_that_somebody_chose_stays_when_the_format_changes(
    installation: Installation,
) -> None:
    who = await installation.acting()
    asked = AskedCredential(Secret("sk-one"), Placement("X-Key"))
    draft = msgspec.structs.replace(a_draft(), credential=asked)
    llm = await installation.llms.create(who, draft)
    edit = an_edit(setting(protocol=ProtocolName.ANTHROPIC))
    changed = await installation.llms.update(who, llm.id, edit)
    assert changed.credential is not None
    assert changed.credential.placement == Placement("X-Key")
    assert opened(installation, changed) == {"credential": "sk-one"}


async def test_a_credential_that_was_deleted_does_not_come_back_without_its_secret(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await registered(installation, who)
    bare = await installation.llms.update(who, llm.id, an_edit(credential=None))
    assert bare.credential is None
    empty = an_edit(credential=AskedCredential())
    assert await codes(installation, who, bare, empty) == {(("secret",), "secret_required")}
    again = await installation.llms.update(who, llm.id, an_edit(secret="sk-two"))
    assert opened(installation, again)["credential"] == "sk-two"


async def test_no_ciphertext_opens_in_the_place_of_another(installation: Installation) -> None:
    """Whoever can write to the database still cannot have a secret sent elsewhere."""
    who = await installation.acting()
    first = await registered(installation, who)
    second = await registered(installation, who)
    renewed = await installation.llms.update(
        who, first.id, an_edit(secret="sk-two", headers={"x-team": Secret("team-2-value")})
    )
    places = [*bindings(first).values(), *bindings(second).values(), *bindings(renewed).values()]
    fits = 0
    for (sealed, _), (_, bound) in itertools.product(places, places):
        if any(sealed == each and bound == its for each, its in places):
            fits += 1
            continue
        with pytest.raises(CredentialUnusable):
            installation.vault.open(sealed, bound)
    assert fits >= len(places)


async def test_a_stored_row_that_was_redirected_does_not_open(installation: Installation) -> None:
    who = await installation.acting()
    llm = await registered(installation, who)
    installation.rows("UPDATE llms SET endpoints = replace(endpoints, 'one', 'evil')")
    redirected = await installation.llms.get(who, llm.id)
    assert redirected.configuration.origins == ("https://evil.example:443",)
    for sealed, bound in bindings(redirected).values():
        with pytest.raises(CredentialUnusable):
            installation.vault.open(sealed, bound)
