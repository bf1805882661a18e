"""Platform LLMs: the stored ones become what the operator's list says, and nothing else does."""

import asyncio
from typing import Any

import msgspec
import pytest

from dragoman.app.clock import SystemClock
from dragoman.domain.credential import Placement
from dragoman.domain.errors import Invalid
from dragoman.domain.llm import Capability, Known, ProtocolName, Provenance
from tests.registry.platforms import Platform, open_platform, wanted

CREATED = ("llm.create", "[]")


async def test_applied_again_a_list_changes_nothing_and_leaves_no_trace(
    platform: Platform,
) -> None:
    assert await platform.apply(wanted(), wanted("two", position=1, secret=None)) == [
        ("one", "created"),
        ("two", "created"),
    ]
    before = await platform.stored()
    assert await platform.apply(wanted(), wanted("two", position=1, secret=None)) == [
        ("one", "unchanged"),
        ("two", "unchanged"),
    ]
    assert await platform.stored() == before
    assert platform.audit == [CREATED, CREATED]


async def test_a_platform_llm_belongs_to_the_operator(platform: Platform) -> None:
    await platform.apply(wanted(is_default=True, zero_data_retention=True))
    llm = (await platform.stored())["one"]
    assert llm.is_platform
    assert (llm.owner_id, llm.created_by) == ("operator", "operator")
    assert (llm.is_default, llm.zero_data_retention) == (True, True)
    assert llm.connection_key is not None


@pytest.mark.parametrize(
    ("members", "changed"),
    [
        ({"model": "n"}, ("model",)),
        ({"urls": ("https://two.example/v1",)}, ("endpoints",)),
        ({"urls": ("https://one.example/v2", "https://one.example/v3")}, ("endpoints",)),
        ({"protocol": ProtocolName.ANTHROPIC}, ("protocol", "secret")),
        (
            {"protocol": ProtocolName.ANTHROPIC, "placement": Placement.named("Authorization")},
            ("protocol",),
        ),
        ({"secret": "sk-two"}, ("secret",)),
        ({"secret": None}, ("secret",)),
        ({"placement": Placement("x-key")}, ("secret",)),
        ({"placement": Placement("authorization", "Bearer ")}, None),
        ({"headers": {"x-project": "p2"}}, ("headers",)),
        ({"headers": {}}, ("headers",)),
        ({"headers": {"x-project": "p1", "x-more": "q"}}, ("headers",)),
        ({"headers": {"x-other": "p1"}}, ("headers",)),
        ({"is_default": True}, ("is_default",)),
        ({"zero_data_retention": True}, ("zero_data_retention",)),
        ({"enabled": False, "labels": {"a": "b"}}, ("labels", "enabled")),
    ],
)
async def test_a_change_is_named_and_every_secret_opens_afterwards(
    platform: Platform, members: dict[str, Any], changed: tuple[str, ...] | None
) -> None:
    await platform.apply(wanted())
    id_ = (await platform.stored())["one"].id
    outcome = ("one", "unchanged") if changed is None else ("one", "updated", *changed)
    assert await platform.apply(wanted(**members)) == [outcome]
    llm = (await platform.stored())["one"]
    assert llm.id == id_
    secret = members.get("secret", "sk-one")
    opened_secret = platform.secrets.opened(llm)
    assert (opened_secret and opened_secret.reveal()) == secret
    assert {
        header.name: platform.secrets.opened_header(llm, header).reveal() for header in llm.headers
    } == members.get("headers", {"x-project": "p1"})
    assert await platform.apply(wanted(**members)) == [("one", "unchanged")]
    assert len(platform.audit) == (1 if changed is None else 2)


async def test_a_secret_that_does_not_open_any_more_is_replaced(platform: Platform) -> None:
    await platform.apply(wanted())
    platform.rows("UPDATE llm_secrets SET ciphertext = x'00'")
    assert await platform.apply(wanted()) == [("one", "updated", "secret", "headers")]
    assert await platform.apply(wanted()) == [("one", "unchanged")]


async def test_what_was_found_out_about_an_llm_stays(platform: Platform) -> None:
    await platform.apply(wanted())
    llm = (await platform.stored())["one"]
    probed = {Capability.CHAT: Known(supported=True, provenance=Provenance.PROBED)}
    configuration = msgspec.structs.replace(llm.configuration, capabilities=probed)
    async with platform.store.writing() as work:
        await work.llms.replace(msgspec.structs.replace(llm, configuration=configuration))
    assert await platform.apply(wanted()) == [("one", "unchanged")]
    declared = {Capability.CHAT: Known(supported=False, provenance=Provenance.DECLARED)}
    assert await platform.apply(wanted(capabilities=declared)) == [
        ("one", "updated", "capabilities")
    ]


async def test_what_the_list_does_not_name_stays_until_it_is_pruned(platform: Platform) -> None:
    await platform.apply(wanted(), wanted("two", position=1))
    assert await platform.apply(wanted()) == [("one", "unchanged"), ("two", "left")]
    assert set(await platform.stored()) == {"one", "two"}
    assert await platform.apply(wanted(), prune=True) == [("one", "unchanged"), ("two", "pruned")]
    assert set(await platform.stored()) == {"one"}
    assert platform.audit[-1] == ("llm.delete", "[]")
    assert platform.rows("SELECT DISTINCT llm_id FROM llm_secrets") == [
        ((await platform.stored())["one"].id,)
    ]


async def test_of_two_with_one_name_the_older_is_the_one(platform: Platform) -> None:
    await platform.apply(wanted())
    older = (await platform.stored())["one"]
    async with platform.store.writing() as work:
        await work.llms.add(msgspec.structs.replace(older, id=SystemClock().new_id()))
    assert await platform.apply(wanted(), prune=True) == [("one", "unchanged"), ("one", "pruned")]
    assert (await platform.stored())["one"].id == older.id


async def test_a_dry_run_says_the_same_and_stores_nothing(platform: Platform) -> None:
    await platform.apply(wanted(), wanted("old", position=1))
    before, audit = await platform.stored(), platform.audit
    list_ = (wanted(model="n"), wanted("new", position=1))
    dry = await platform.apply(*list_, prune=True, dry_run=True)
    assert (await platform.stored(), platform.audit) == (before, audit)
    assert await platform.apply(*list_, prune=True) == dry
    assert dry == [("one", "updated", "model"), ("new", "created"), ("old", "pruned")]


async def test_everything_that_is_wrong_is_found_and_nothing_is_stored(platform: Platform) -> None:
    bad = wanted("two", position=1, urls=("http://10.0.0.1/v1", "ftp://x"), model=" ")
    with pytest.raises(Invalid) as refused:
        await platform.apply(wanted(), bad, wanted(position=2))
    assert [problem.path for problem in refused.value.problems] == [
        ("llms", 1, "model"),
        ("llms", 1, "endpoints", 0, "url"),
        ("llms", 1, "endpoints", 1, "url"),
        ("llms", 2, "display_name"),
    ]
    assert await platform.stored() == {}


async def test_a_failure_in_the_middle_leaves_everything_as_it_was(platform: Platform) -> None:
    platform.rows(
        "CREATE TRIGGER broken BEFORE INSERT ON llms WHEN NEW.display_name = 'two' "
        "BEGIN SELECT RAISE(ABORT, 'broken'); END"
    )
    with pytest.raises(Exception, match="broken"):
        await platform.apply(wanted(), wanted("two", position=1))
    assert await platform.stored() == {}
    assert platform.audit == []


async def test_two_at_once_make_each_llm_once(platform: Platform) -> None:
    list_ = [wanted(f"llm {n}", position=n) for n in range(20)]
    async with open_platform(platform.path.parent) as other:
        results = await asyncio.gather(platform.apply(*list_), other.apply(*list_))
    outcomes = sorted({outcome for result in results for _, outcome in result})
    assert outcomes == ["created", "unchanged"]
    assert len(platform.audit) == 20


async def test_more_than_one_page_is_looked_through(platform: Platform) -> None:
    list_ = [wanted(f"llm {n}", position=n) for n in range(205)]
    await platform.apply(*list_)
    assert {outcome for _, outcome in await platform.apply(*list_)} == {"unchanged"}
