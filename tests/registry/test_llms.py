"""Registering LLMs, beneath every dialect."""

from typing import Any

import msgspec
import pytest

from dragoman.authz.check import Actor
from dragoman.domain.errors import Forbidden, Invalid, NotFound
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import Configuration, ProtocolName, Sampling
from dragoman.domain.page import LLMQuery
from dragoman.domain.principal import Organization, Role
from dragoman.domain.url import Endpoint
from dragoman.registry.asked import Change
from tests.registry.installation import (
    NOON_MS,
    Installation,
    a_configuration,
    a_draft,
    an_edit,
)

ONE, TWO = "https://one.example/v1", "https://two.example/v1"


def setting(**members: Any) -> Change:
    """Write an update that sets these members."""

    def change(current: Configuration) -> Configuration:
        return msgspec.structs.replace(current, **members)

    return change


def sampling(**members: Any) -> Change:
    """Write an update that sets these defaults and keeps the others."""

    def change(current: Configuration) -> Configuration:
        return msgspec.structs.replace(
            current, sampling=msgspec.structs.replace(current.sampling, **members)
        )

    return change


def moving(*urls: str) -> Change:
    """Write an update that sets the URLs."""
    return setting(endpoints=tuple(Endpoint.parse(url) for url in urls))


async def test_what_was_created_is_read_back_as_it_was_given(installation: Installation) -> None:
    who = await installation.acting()
    given = a_configuration(
        ONE, TWO, sampling=Sampling(temperature=0.5), tags=("a",), metadata={"a": [1, None]}
    )

    created = await installation.llms.create(who, a_draft(given, "sk-one"))

    assert created == await installation.llms.get(who, created.id)
    assert created.configuration == given
    assert created.organization_id == who.organization_id
    assert created.owner_id == created.created_by == who.principal_id
    assert (created.created_at_ms, created.updated_at_ms) == (NOON_MS, None)
    assert created.revision == installation.count("audit")
    assert installation.opened(created) == "sk-one"


async def test_an_update_has_the_registrys_next_number_and_says_who_and_when(
    installation: Installation,
) -> None:
    author, editor = await installation.acting(), await installation.acting()
    created = await installation.llms.create(author, a_draft())
    installation.clock.time_ms += 5

    change = setting(display_name="After", sampling=Sampling(max_tokens=7))
    updated = await installation.llms.update(editor, created.id, an_edit(change))

    assert updated == await installation.llms.get(author, created.id)
    assert updated.configuration == msgspec.structs.replace(
        created.configuration, display_name="After", sampling=Sampling(max_tokens=7)
    )
    assert (updated.revision, updated.updated_at_ms) == (created.revision + 1, NOON_MS + 5)
    assert (updated.updated_by, updated.created_by) == (editor.principal_id, author.principal_id)
    assert updated.owner_id == author.principal_id


async def test_an_update_that_changes_nothing_counts_nothing(installation: Installation) -> None:
    who = await installation.acting()
    created = await installation.llms.create(who, a_draft(secret="sk-one"))
    audited = installation.count("audit")

    same = setting(display_name="my-llm", metadata={})
    assert await installation.llms.update(who, created.id, an_edit(same)) == created

    assert await installation.llms.get(who, created.id) == created
    assert installation.count("audit") == audited


@pytest.mark.parametrize(
    "change",
    [
        setting(display_name="After"),
        moving("https://one.example/other?x=1", TWO),
        moving(TWO, ONE),
        moving(TWO),
        moving(ONE, ONE, TWO),
        moving("https://ONE.example:443/v1", TWO),
        setting(protocol=ProtocolName.CUSTOM),
    ],
    ids=["name", "path", "reordered", "one removed", "one more", "spelling", "same header"],
)
async def test_a_kept_secret_still_opens_after_the_change(
    installation: Installation, change: Change
) -> None:
    who = await installation.acting()
    given = a_configuration(ONE, TWO)
    created = await installation.llms.create(who, a_draft(given, "sk-kept"))

    await installation.llms.update(who, created.id, an_edit(change))

    assert installation.opened(await installation.llms.get(who, created.id)) == "sk-kept"


async def test_a_kept_secret_no_longer_opens_for_an_origin_that_was_removed(
    installation: Installation,
) -> None:
    who = await installation.acting()
    given = a_configuration(ONE, TWO)
    created = await installation.llms.create(who, a_draft(given, "sk-kept"))
    narrowed = await installation.llms.update(who, created.id, an_edit(moving(ONE)))
    assert narrowed.credential != created.credential

    with pytest.raises(Invalid) as refused:
        await installation.llms.update(who, created.id, an_edit(moving(ONE, TWO)))

    assert [problem.code for problem in refused.value.problems] == ["secret_required"]
    assert await installation.llms.get(who, created.id) == narrowed


@pytest.mark.parametrize(
    ("change", "header"),
    [
        (moving("https://evil.example/v1"), "Authorization"),
        (setting(protocol=ProtocolName.GEMINI), "x-goog-api-key"),
    ],
    ids=["origin", "header"],
)
async def test_a_moved_secret_is_sent_again_and_replaces_the_stored_one(
    installation: Installation, change: Change, header: str
) -> None:
    who = await installation.acting()
    created = await installation.llms.create(who, a_draft(secret="sk-old"))
    with pytest.raises(Invalid):
        await installation.llms.update(who, created.id, an_edit(change))
    assert await installation.llms.get(who, created.id) == created

    moved = await installation.llms.update(who, created.id, an_edit(change, "sk-new"))

    assert installation.opened(await installation.llms.get(who, created.id)) == "sk-new"
    assert moved.credential is not None
    assert (moved.credential.placement.header, moved.credential.generation) == (header, 2)


async def test_a_url_that_a_later_policy_refuses_hinders_only_changes_of_where_calls_go(
    installation: Installation,
) -> None:
    who = await installation.acting()
    given = a_configuration("http://127.0.0.1:8000/v1")
    created = await installation.llms.create(who, a_draft(given, "sk-one"))
    closed = installation.llms_where_allowed("")

    renamed = await closed.update(who, created.id, an_edit(setting(display_name="After")))

    assert renamed.configuration.display_name == "After"
    for change, secret in (
        (moving("http://127.0.0.1:8000/v2"), None),
        (setting(), "sk-two"),
    ):
        with pytest.raises(Invalid) as refused:
            await closed.update(who, created.id, an_edit(change, secret))
        assert {problem.path for problem in refused.value.problems} == {("endpoints", 0, "url")}
    assert await closed.get(who, created.id) == renamed


async def test_a_format_that_calls_needs_an_endpoint_also_when_only_the_format_changes(
    installation: Installation,
) -> None:
    who = await installation.acting()
    record = a_configuration(protocol=ProtocolName.NONE, endpoints=())
    created = await installation.llms.create(who, a_draft(record))

    with pytest.raises(Invalid) as refused:
        await installation.llms.update(
            who, created.id, an_edit(setting(protocol=ProtocolName.OPENAI))
        )

    assert [problem.path for problem in refused.value.problems] == [("endpoints",)]


async def test_an_editor_changes_and_deletes_only_its_own(installation: Installation) -> None:
    first, second = [await installation.acting(Role.EDITOR) for _ in range(2)]
    created = await installation.llms.create(first, a_draft())

    assert await installation.llms.get(second, created.id) == created
    with pytest.raises(Forbidden, match="only LLMs of its own"):
        await installation.llms.update(second, created.id, an_edit(setting(model="x")))
    with pytest.raises(Forbidden, match="only LLMs of its own"):
        await installation.llms.delete(second, created.id)

    await installation.llms.delete(first, created.id)
    with pytest.raises(NotFound):
        await installation.llms.get(first, created.id)


async def test_who_may_not_act_is_refused_before_anything_is_looked_up(
    installation: Installation,
) -> None:
    caller = await installation.acting(Role.CALLER)
    installation.rows("DROP TABLE llms")
    nothing = a_configuration("ftp://nowhere", display_name="")
    with pytest.raises(Forbidden):
        await installation.llms.create(caller, a_draft(nothing))
    with pytest.raises(Forbidden):
        await installation.llms.update(caller, "any", an_edit(setting()))
    with pytest.raises(Forbidden):
        await installation.llms.delete(caller, "any")


@pytest.mark.parametrize(
    "name", ["description", "deployment_name", "api_version", "version", "monitoring_endpoint"]
)
async def test_a_text_with_the_character_nul_is_refused(
    installation: Installation, name: str
) -> None:
    """PostgreSQL has no texts with it."""
    who = await installation.acting()
    with pytest.raises(Invalid) as refused:
        await installation.llms.create(who, a_draft(a_configuration(**{name: "a\0b"})))
    assert [problem.path for problem in refused.value.problems] == [(name,)]


async def test_pages_are_newest_first_and_of_one_moment_by_id(installation: Installation) -> None:
    who = await installation.acting()
    made = []
    for step_ms in (0, 0, 10, 0):
        installation.clock.time_ms += step_ms
        made.append(await installation.llms.create(who, a_draft()))

    page = await installation.llms.page(who, LLMQuery(limit=3, counted=True))

    assert [llm.id for llm in page.items] == [llm.id for llm in reversed(made)][:3]
    assert page.total == 4
    rest = await installation.llms.page(who, LLMQuery(limit=3, offset=3))
    assert [llm.id for llm in rest.items] == [made[0].id]


async def test_an_organizations_own_llm_stands_before_a_platform_llm_of_the_same_id(
    installation: Installation,
) -> None:
    who, stranger = await installation.acting(), await installation.acting()
    created = await installation.llms.create(who, a_draft())
    clock = installation.clock
    async with installation.store.writing() as work:
        platform = Organization(PLATFORM_ORGANIZATION_ID, "platform", clock.now_ms())
        await work.principals.add_organization(platform)
        await work.llms.add(
            msgspec.structs.replace(created, organization_id=PLATFORM_ORGANIZATION_ID)
        )
    elsewhere = Actor(
        organization_id="another",
        principal_id=stranger.principal_id,
        key_id=stranger.key_id,
        permissions=stranger.permissions,
    )

    assert await installation.llms.get(who, created.id) == created
    assert (await installation.llms.get(elsewhere, created.id)).is_platform

    await installation.llms.update(who, created.id, an_edit(setting(model="other")))
    await installation.llms.delete(who, created.id)
    assert (await installation.llms.get(who, created.id)).configuration.model == "tiny"
    with pytest.raises(Forbidden, match="default LLM of the platform"):
        await installation.llms.delete(who, created.id)
