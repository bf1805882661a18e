"""Grants: what can be given, what taking one does, and what applying a list does to all."""

import sqlite3
from typing import Any

import pytest

from dragoman.authz.check import Actor
from dragoman.domain.errors import Invalid, NotFound
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM
from dragoman.domain.principal import Organization
from dragoman.registry.grants import Changed, GrantDraft
from tests.registry.installation import (
    NOON_MS,
    ORGANIZATION,
    ORGANIZATION_ID,
    Installation,
    a_configuration,
    a_draft,
    borrowing,
)

OPENAI = "https://api.openai.com"
KEY = "env://OPENAI_API_KEY"


async def with_others(installation: Installation) -> Organization:
    """Make the platform's organization, as a first start does, and another tenant's."""
    other = Organization("01a00000-0000-7000-8000-0000000000bb", "other", NOON_MS)
    platform = Organization(PLATFORM_ORGANIZATION_ID, "platform", NOON_MS)
    async with installation.store.writing() as work:
        await work.principals.add_organization(other)
        await work.principals.add_organization(platform)
    return other


async def borrower(installation: Installation, who: Actor, held: Any, *urls: str) -> LLM:
    configuration = a_configuration(*(urls or (f"{OPENAI}/v1",)))
    return await installation.llms.create(who, a_draft(configuration, credential=borrowing(held)))


def audit(installation: Installation) -> list[tuple[Any, ...]]:
    return installation.rows(
        "SELECT action, actor_id, organization_id, target_id, members FROM audit "
        "WHERE action LIKE 'grant.%' ORDER BY revision"
    )


def outcomes(changed: Changed) -> list[tuple[str, str]]:
    return [(each.grant.secret, str(each.outcome)) for each in changed.grants]


async def problems(installation: Installation, secret: str, *origins: str) -> set[tuple[Any, ...]]:
    """Try to give what is refused; gives where and why, and holds that nothing was given."""
    with pytest.raises(Invalid) as refused:
        await installation.granted(secret, *origins)
    assert installation.count("grants") == 0
    return {(*problem.path, problem.code) for problem in refused.value.problems}


# --- What can be given -----------------------------------------------------------------------


@pytest.mark.parametrize("organization", [ORGANIZATION, ORGANIZATION_ID])
async def test_a_grant_is_given_by_name_or_id_and_recorded(
    installation: Installation, organization: str
) -> None:
    grant = await installation.granted(KEY, OPENAI, organization=organization)
    assert (grant.organization_id, grant.created_at_ms) == (ORGANIZATION_ID, NOON_MS)
    (listed,) = await installation.grants.all()
    assert (listed.grant, listed.organization) == (grant, ORGANIZATION)
    assert audit(installation) == [
        ("grant.create", "operator", ORGANIZATION_ID, grant.id, "[]"),
    ]


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("https://api.openai.com", "https://api.openai.com:443"),
        ("HTTPS://API.OpenAI.com:443", "https://api.openai.com:443"),
        ("https://llm.example:8443", "https://llm.example:8443"),
        ("https://*.openai.azure.com", "https://*.openai.azure.com:443"),
        ("https://*.Example.COM:8443", "https://*.example.com:8443"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example:443"),
        ("https://10.0.0.1", "https://10.0.0.1:443"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]:443"),
        ("http://vllm.internal:8000", "http://vllm.internal:8000"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
async def test_origins_are_kept_as_they_are_compared(
    installation: Installation, written: str, compared: str
) -> None:
    assert (await installation.granted(KEY, written)).origins == (compared,)


async def test_origins_are_sorted_and_each_there_once(installation: Installation) -> None:
    grant = await installation.granted(KEY, "https://b.example", OPENAI, "https://B.example:443")
    assert grant.origins == ("https://api.openai.com:443", "https://b.example:443")


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "api.openai.com",
        "https://",
        "https://api.openai.com/",
        "https://api.openai.com/v1",
        "https://api.openai.com?x",
        "https://api.openai.com#x",
        "https://user@api.openai.com",
        "https://api.openai.com:0",
        "https://api.openai.com:65536",
        "ftp://api.openai.com",
        "https://*",
        "https://*.com",
        "https://*.com.",
        "https://*.*.example.com",
        "https://a.*.example.com",
        "https://*example.com",
        "https://*.[::1]",
        "https://a b",
        "http://vllm.internal",
        "http://[::1]",
        "http://*.internal.example:8000",
    ],
)
async def test_what_is_no_origin_is_refused(installation: Installation, origin: str) -> None:
    found = await problems(installation, KEY, OPENAI, origin)
    assert found == {("origins", 1, "invalid_origin")}


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "env://_x1",
        "file:///run/secrets/key",
        "file:///run/secrets/*",
        "file:///var/lib/dragoman-secrets/*",
        "vault://kv/team/openai#key",
        "vault://kv/team/*",
        "vault://kv/*",
    ],
)
async def test_such_secrets_can_be_granted(installation: Installation, secret: str) -> None:
    assert (await installation.granted(secret, OPENAI)).secret == secret


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "*",
        "OPENAI_API_KEY",
        "sk-planted",
        "env://",
        "env://*",
        "env:///*",
        "env://OPENAI_*",
        "env://OPENAI/*",
        "env://DRAGOMAN_DATABASE_URL",
        "env://dragoman_x",
        "file://*",
        "file:///*",
        "file:///run/*/key",
        "file:///run/secrets*",
        "file://run/key",
        "file:///run/../etc/*",
        "file:///run/secrets/..",
        "file:///run//key",
        "file:///var/lib/dragoman",
        "file:///var/lib/dragoman/kek",
        "file:///var/lib/dragoman/*",
        "file:///var/lib/*",
        "file:///var/*",
        "vault://*",
        "vault://kv",
        "vault://kv/team",
        "vault://kv/team#*",
        "vault://kv/../sys/*",
        "vault://kv/team/..#key",
        "google",
        "google-adc/*",
        f"file:///{'x' * 1024}/*",
    ],
)
async def test_such_secrets_cannot_be_granted(installation: Installation, secret: str) -> None:
    assert await problems(installation, secret, OPENAI) == {("secret", "invalid_secret_name")}


async def test_a_secret_goes_nowhere_unless_an_origin_is_named(installation: Installation) -> None:
    assert await problems(installation, KEY) == {("origins", "too_small")}
    many = [f"https://h{number}.example" for number in range(101)]
    assert await problems(installation, KEY, *many) == {("origins", "too_big")}


async def test_googles_credentials_go_to_all_of_googles_hosts_or_to_some(
    installation: Installation,
) -> None:
    for written, compared in (
        ((), ("https://*.googleapis.com:443",)),
        (
            ("https://europe-west4-aiplatform.googleapis.com",),
            ("https://europe-west4-aiplatform.googleapis.com:443",),
        ),
    ):
        assert (await installation.granted("google-adc", *written)).origins == compared


@pytest.mark.parametrize(
    "origin",
    [
        "https://googleapis.com",
        "https://googleapis.com.evil.example",
        "https://evilgoogleapis.com",
        "https://*.evilgoogleapis.com",
        "http://x.googleapis.com:80",
        OPENAI,
    ],
)
async def test_googles_credentials_go_nowhere_else(installation: Installation, origin: str) -> None:
    found = await problems(installation, "google-adc", origin)
    assert found == {("origins", 0, "not_google")}


async def test_everything_that_is_wrong_is_told_at_once(installation: Installation) -> None:
    await with_others(installation)
    asked = [
        GrantDraft(position=0, organization="nobody's", secret="sk-planted", origins=("x",)),
        GrantDraft(position=1, organization="platform", secret=KEY, origins=(OPENAI,)),
        GrantDraft(position=2, organization=ORGANIZATION, secret=KEY, origins=(OPENAI,)),
        GrantDraft(position=4, organization=ORGANIZATION_ID, secret=KEY, origins=("https://b.c",)),
    ]
    found = await installation.grants.problems(asked)
    assert [(*problem.path, problem.code) for problem in found] == [
        ("grants", 0, "organization", "not_found"),
        ("grants", 0, "secret", "invalid_secret_name"),
        ("grants", 0, "origins", 0, "invalid_origin"),
        ("grants", 1, "organization", "platform"),
        ("grants", 4, "secret", "duplicate"),
    ]
    assert "planted" not in str(found)
    with pytest.raises(Invalid) as refused:
        await installation.grants.apply(asked)
    assert list(refused.value.problems) == found
    assert installation.count("grants") == 0


async def test_the_same_grant_again_changes_nothing_and_one_elsewhere_is_another(
    installation: Installation,
) -> None:
    first = await installation.granted(KEY, OPENAI)
    assert await installation.granted(KEY, f"{OPENAI}:443") == first
    assert len(audit(installation)) == 1
    second = await installation.granted(KEY, "https://b.example")
    assert [each.grant for each in await installation.grants.all()] == [first, second]


async def test_without_its_audit_row_nothing_is_given_or_taken(installation: Installation) -> None:
    grant = await installation.granted(KEY, OPENAI)
    installation.break_audit()
    for change in (
        installation.granted(KEY, "https://b.example"),
        installation.grants.take(grant.id),
        installation.grants.apply([]),
    ):
        with pytest.raises(sqlite3.IntegrityError, match="the audit is broken"):
            await change
    assert [each.grant for each in await installation.grants.all()] == [grant]


# --- Taking ----------------------------------------------------------------------------------


async def test_whoever_takes_a_grant_hears_which_llms_needed_it(
    installation: Installation,
) -> None:
    who = await installation.acting()
    grant = await installation.granted(KEY, OPENAI, "https://b.example")
    still = await installation.granted(KEY, OPENAI)
    await installation.granted("env://OTHER", "https://b.example")
    cut_off = await borrower(installation, who, KEY, "https://b.example/v1", f"{OPENAI}/v1")
    await borrower(installation, who, KEY)
    await borrower(installation, who, "env://OTHER", "https://b.example/v1")
    changed = await installation.grants.take(grant.id)
    assert outcomes(changed) == [(KEY, "taken")]
    assert [llm.id for llm in changed.cut_off] == [cut_off.id]
    assert still in [each.grant for each in await installation.grants.all()]
    assert audit(installation)[-1] == (
        ("grant.delete", "operator", ORGANIZATION_ID, grant.id, "[]")
    )
    assert await installation.llms.get(who, cut_off.id) == cut_off


async def test_what_is_not_there_cannot_be_taken(installation: Installation) -> None:
    grant = await installation.granted(KEY, OPENAI)
    await installation.grants.take(grant.id)
    for grant_id in (grant.id, "", "nothing"):
        with pytest.raises(NotFound, match="see 'dragoman grant list'"):
            await installation.grants.take(grant_id)


# --- Applying a list -------------------------------------------------------------------------


def asked(secret: str, *origins: str, of: str = ORGANIZATION, position: int = 0) -> GrantDraft:
    return GrantDraft(position=position, organization=of, secret=secret, origins=origins)


async def test_a_list_says_all(installation: Installation) -> None:
    other = await with_others(installation)
    who = await installation.acting()
    stays = await installation.granted(KEY, OPENAI)
    goes = await installation.granted("env://OLD", OPENAI)
    elsewhere = await installation.granted("env://OLD", OPENAI, organization="other")
    cut_off = await borrower(installation, who, "env://OLD")
    wanted = [
        asked(KEY, OPENAI),
        asked("google-adc", of=other.id, position=1),
        asked("env://OLD", "https://b.example", position=2),
    ]
    tried = await installation.grants.apply(wanted, dry_run=True)
    assert len(await installation.grants.all()) == 3
    assert len(audit(installation)) == 3
    changed = await installation.grants.apply(wanted)
    assert (
        outcomes(changed)
        == outcomes(tried)
        == [
            (KEY, "unchanged"),
            ("google-adc", "given"),
            ("env://OLD", "given"),
            ("env://OLD", "taken"),
            ("env://OLD", "taken"),
        ]
    )
    assert [each.grant for each in changed.grants[3:]] == [goes, elsewhere]
    assert [llm.id for llm in changed.cut_off] == [cut_off.id]
    assert stays in [each.grant for each in await installation.grants.all()]
    assert [row[0] for row in audit(installation)[3:]] == ["grant.create"] * 2 + [
        "grant.delete"
    ] * 2
    again = await installation.grants.apply(wanted)
    assert {str(each.outcome) for each in again.grants} == {"unchanged"}
    assert len(audit(installation)) == 7


async def test_an_origin_that_goes_to_another_grant_cuts_nobody_off(
    installation: Installation,
) -> None:
    who = await installation.acting()
    await installation.granted(KEY, OPENAI)
    await borrower(installation, who, KEY)
    changed = await installation.grants.apply([asked(KEY, OPENAI, "https://b.example")])
    assert [outcome for _, outcome in outcomes(changed)] == ["given", "taken"]
    assert changed.cut_off == ()
