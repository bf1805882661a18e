"""Platform LLMs that name a secret of the operator's: their list grants it, there and alone."""

from typing import Any

import pytest

from dragoman.domain.credential import GoogleAdc, Placement, SecretReference
from dragoman.domain.errors import Invalid
from dragoman.domain.grant import is_granted
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.registry.grants import GrantDraft, Grants
from tests.registry.installation import SetClock
from tests.registry.platforms import Platform, wanted

KEY, OTHER = "env://ONE_KEY", "env://OTHER_KEY"
ONE, TWO = "https://one.example/v1", "https://two.example/v1"


async def grants(platform: Platform) -> list[tuple[str, tuple[str, ...]]]:
    async with platform.store.reading() as work:
        return [(each.secret, each.origins) for each in await work.grants.all()]


def grant_audit(platform: Platform) -> list[Any]:
    return [
        action
        for (action,) in platform.rows(
            "SELECT action FROM audit WHERE action LIKE 'grant.%' ORDER BY revision"
        )
    ]


async def test_what_the_list_names_is_granted_for_the_origins_beside_it(
    platform: Platform,
) -> None:
    await platform.apply(
        wanted("one", held=KEY, urls=(ONE,)),
        wanted("two", held=KEY, urls=(TWO, ONE), position=1),
        wanted("three", held=OTHER, urls=(TWO,), position=2),
        wanted("four", urls=("https://four.example/v1",), position=3),
    )
    assert await grants(platform) == [
        (KEY, ("https://one.example:443", "https://two.example:443")),
        (OTHER, ("https://two.example:443",)),
    ]
    async with platform.store.reading() as work:
        of_platform = await work.grants.of(PLATFORM_ORGANIZATION_ID)
    for llm in (await platform.stored()).values():
        held = llm.credential.held if llm.credential else None
        assert held is None or is_granted(of_platform, held, llm.configuration.origins)
    assert platform.rows("SELECT llm_id FROM llm_secrets WHERE field = 'credential'") == [
        ((await platform.stored())["four"].id,)
    ]


async def test_applied_again_it_changes_nothing_and_leaves_no_trace(platform: Platform) -> None:
    googles = {"held": GoogleAdc(("s",)), "urls": ("https://a.googleapis.com/v1",)}
    list_ = [wanted(held=KEY), wanted("two", position=1, **googles)]
    await platform.apply(*list_)
    before = platform.rows("SELECT * FROM audit")
    assert {each[1] for each in await platform.apply(*list_)} == {"unchanged"}
    assert platform.rows("SELECT * FROM audit") == before


@pytest.mark.parametrize(
    ("first", "second", "changed"),
    [
        ({"held": KEY}, {"held": OTHER}, ("secret",)),
        ({"held": KEY}, {"secret": "sk-one"}, ("secret",)),
        ({"secret": "sk-one"}, {"held": KEY}, ("secret",)),
        ({"held": KEY}, {"secret": None}, ("secret",)),
        ({"held": KEY}, {"held": KEY, "placement": Placement("x-key")}, ("secret",)),
        ({"held": KEY}, {"held": KEY, "urls": (TWO,)}, ("endpoints",)),
        ({"held": KEY}, {"held": KEY, "model": "n"}, ("model",)),
    ],
)
async def test_a_change_is_named_and_the_grants_follow(
    platform: Platform, first: dict[str, Any], second: dict[str, Any], changed: tuple[str, ...]
) -> None:
    await platform.apply(wanted(**first))
    assert await platform.apply(wanted(**second)) == [("one", "updated", *changed)]
    credential = (await platform.stored())["one"].credential
    held = SecretReference(second["held"]) if "held" in second else None
    assert (credential.held if credential else None) == held
    opened = platform.secrets.opened((await platform.stored())["one"])
    assert (opened and opened.reveal()) == second.get("secret")
    origin = second.get("urls", (ONE,))[0].removesuffix("/v1") + ":443"
    assert await grants(platform) == ([(second["held"], (origin,))] if held else [])
    assert await platform.apply(wanted(**second)) == [("one", "unchanged")]


async def test_a_grant_stays_as_long_as_an_llm_that_needs_it(platform: Platform) -> None:
    await platform.apply(wanted(held=KEY), wanted("two", position=1, held=OTHER))
    await platform.apply(wanted(held=KEY))
    assert [secret for secret, _ in await grants(platform)] == [KEY, OTHER]
    await platform.apply(wanted(held=KEY), prune=True, dry_run=True)
    assert [secret for secret, _ in await grants(platform)] == [KEY, OTHER]
    await platform.apply(wanted(held=KEY), prune=True)
    assert [secret for secret, _ in await grants(platform)] == [KEY]
    assert grant_audit(platform) == ["grant.create", "grant.create", "grant.delete"]


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"held": "sk-planted"}, ("credential", "held")),
        ({"held": "env://DRAGOMAN_KEK_FILE"}, ("credential", "held")),
        ({"held": "file:///run/*"}, ("credential", "held")),
        ({"held": GoogleAdc()}, ("endpoints", 0, "url")),
        ({"held": GoogleAdc(), "urls": ("http://x.googleapis.com/v1",)}, ("endpoints", 0, "url")),
    ],
)
async def test_what_no_tenant_could_be_granted_no_platform_llm_may_use(
    platform: Platform, members: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    with pytest.raises(Invalid) as refused:
        await platform.apply(wanted(**members))
    assert {problem.path for problem in refused.value.problems} == {("llms", 0, *path)}
    assert "planted" not in str(refused.value)
    assert (await platform.stored(), await grants(platform)) == ({}, [])


async def test_nothing_of_the_data_directory_is_sent_anywhere(platform: Platform) -> None:
    for held in (f"file://{platform.path.parent}/kek", f"file://{platform.path}"):
        with pytest.raises(Invalid, match="data directory or key file"):
            await platform.apply(wanted(held=held))


async def test_nobody_takes_or_gives_the_platforms_grants_by_hand(platform: Platform) -> None:
    await platform.apply(wanted(held=KEY))
    use_case = Grants(store=platform.store, clock=SetClock(), private=[])
    (granted,) = await use_case.all()
    assert granted.organization == "platform"
    for change in (
        use_case.take(granted.grant.id),
        use_case.give(GrantDraft(organization="platform", secret=OTHER, origins=(TWO,))),
    ):
        with pytest.raises(Invalid, match="may use what their file names"):
            await change
    assert (await use_case.apply([])).grants == ()
    assert [secret for secret, _ in await grants(platform)] == [KEY]
