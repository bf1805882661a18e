"""Who may ping which LLM: what may not be seen is not there."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from dragoman.authz.check import Actor, operator
from dragoman.domain.errors import Forbidden, NotCallable, NotFound
from dragoman.domain.llm import ProtocolName
from dragoman.domain.principal import Role
from dragoman.gateway.probe import Ended
from dragoman.gateway.probe_plan import Plan
from dragoman.gateway.probe_result import Probed, Summary
from dragoman.registry.keys import KeyDraft, NewKey
from tests.fakes.upstream import FakeUpstream
from tests.gateway.probing import (
    COMPLETION,
    Event,
    Heard,
    a_plan,
    a_prober,
    an_llm,
)
from tests.gateway.test_directory import platform_llm, stranger
from tests.registry.installation import NOON_MS, ORGANIZATION_ID, Installation, an_edit
from tests.registry.test_llms import setting

NOBODYS_ID = "01a00000-0000-7000-8000-000000000bad"


async def pinged(
    installation: Installation, who: Actor, llm_id: str, upstream: FakeUpstream | None = None
) -> Probed:
    prober = a_prober(installation, upstream or FakeUpstream(COMPLETION))
    return await prober.once(who, Plan(llm_id=llm_id))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR])
async def test_who_may_ping_pings_the_organizations_llms_and_the_platforms(
    installation: Installation, role: Role
) -> None:
    llm = await an_llm(installation, await installation.acting())
    shared = await platform_llm(installation, "shared")
    who = await installation.acting(role)
    assert (await pinged(installation, who, llm.id)).ok
    assert (await pinged(installation, who, shared.id)).ok


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CALLER])
async def test_who_may_only_read_or_call_may_not_ping(
    installation: Installation, role: Role
) -> None:
    llm = await an_llm(installation, await installation.acting())
    upstream = FakeUpstream(COMPLETION)
    with pytest.raises(Forbidden):
        await pinged(installation, await installation.acting(role), llm.id, upstream)
    assert upstream.requests == []


async def test_what_may_not_be_seen_is_missed_like_what_is_not_there(
    installation: Installation,
) -> None:
    owner = await installation.acting()
    llm = await an_llm(installation, owner, display_name=NOBODYS_ID)
    other = await stranger(installation)
    own_only = Actor(owner.organization_id, other.principal_id, None, frozenset({"llm:ping:own"}))
    upstream, said = FakeUpstream(COMPLETION), set()
    for who, llm_id in (
        (other, llm.id),
        (own_only, llm.id),
        (owner, NOBODYS_ID),  # which is the name of one, and the id of none
        (other, NOBODYS_ID),
    ):
        with pytest.raises(NotFound) as missed:
            await pinged(installation, who, llm_id, upstream)
        said.add((missed.value.message, missed.value.code))
    assert len(said) == 1
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"enabled": False}, "llm_disabled"),
        ({"protocol": ProtocolName.NONE}, "protocol_not_supported"),
        ({"protocol": ProtocolName.GEMINI}, "protocol_not_supported"),
    ],
)
async def test_what_cannot_be_called_is_not_pinged(
    installation: Installation, members: dict[str, Any], code: str
) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    llm = await an_llm(installation, who, **members)
    with pytest.raises(NotCallable) as refused:
        await pinged(installation, who, llm.id, upstream)
    assert refused.value.code == code
    assert upstream.requests == []


async def revoked(installation: Installation, new: NewKey) -> None:
    await installation.keys.end(operator(), new.key.id, new.key.organization_id)


async def expired(installation: Installation, _: NewKey) -> None:
    installation.clock.time_ms += 1000


async def made_smaller(installation: Installation, new: NewKey) -> None:
    of = new.key.organization_id
    await installation.principals.update(
        operator(), new.principal.id, role=Role.CALLER, organization_id=of
    )


@pytest.mark.parametrize(
    ("lose", "ended"),
    [
        (revoked, Ended("unauthenticated", "Invalid API key.")),
        (expired, Ended("unauthenticated", "Invalid API key.")),
        (made_smaller, Ended("forbidden", "This API key may not ping LLMs.")),
    ],
)
async def test_who_may_not_any_more_has_no_further_probes_made(
    installation: Installation,
    lose: Callable[[Installation, NewKey], Awaitable[None]],
    ended: Ended,
) -> None:
    llm = await an_llm(installation, await installation.acting())
    draft = KeyDraft(name="k", role=Role.EDITOR, expires_at_ms=NOON_MS + 1000)
    new = await installation.keys.create(operator(), draft, ORGANIZATION_ID)
    authenticator = installation.authenticator
    again = partial(authenticator.authenticate, [new.text])

    async def then(event: Event) -> None:
        if isinstance(event, Probed) and event.seq == 2:
            await lose(installation, new)
            authenticator.forget()

    upstream, heard = FakeUpstream(COMPLETION), Heard(then)
    plan = a_plan(llm, interval_ms=50)
    await a_prober(installation, upstream).series(await again(), again, plan, heard)
    assert len(upstream.requests) == 2
    *probed, said, summary = heard.events
    assert [type(event) for event in probed] == [Probed, Probed]
    assert said == ended
    assert isinstance(summary, Summary)
    assert summary.probes == 2


async def test_a_change_is_probed_at_once(installation: Installation) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    llm = await an_llm(installation, who)
    prober = a_prober(installation, upstream)
    await prober.once(who, a_plan(llm))
    await installation.llms.update(who, llm.id, an_edit(setting(model="other")))
    await prober.once(who, a_plan(llm))
    assert [b'"model":"other"' in request.body for request in upstream.requests] == [False, True]
