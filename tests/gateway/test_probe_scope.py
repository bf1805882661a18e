"""Who may ping which LLM: what may not be seen is not there."""

from typing import Any

import pytest

from dragoman.authz.check import Actor
from dragoman.domain.errors import Forbidden, NotCallable, NotFound
from dragoman.domain.llm import ProtocolName
from dragoman.domain.principal import Role
from dragoman.gateway.probe_plan import Plan
from dragoman.gateway.probe_result import Probed
from tests.fakes.upstream import FakeUpstream
from tests.gateway.probing import (
    COMPLETION,
    a_plan,
    a_prober,
    an_llm,
)
from tests.gateway.test_directory import platform_llm, stranger
from tests.registry.installation import Installation, an_edit
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


async def test_a_change_is_probed_at_once(installation: Installation) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    llm = await an_llm(installation, who)
    prober = a_prober(installation, upstream)
    await prober.once(who, a_plan(llm))
    await installation.llms.update(who, llm.id, an_edit(setting(model="other")))
    await prober.once(who, a_plan(llm))
    assert [b'"model":"other"' in request.body for request in upstream.requests] == [False, True]
