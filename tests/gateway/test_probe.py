"""Pings: how many probes and when, how many at once, and what is told of them."""

import asyncio
import itertools
import logging
import time

import pytest

from dragoman.authz.check import Actor
from dragoman.domain.errors import TooManyAtOnce
from dragoman.domain.usage import Usage
from dragoman.gateway.probe import PINGS_AT_ONCE, Prober
from dragoman.gateway.probe_plan import Limit, Plan
from dragoman.gateway.probe_result import Probed, ProbeStage, Summary
from dragoman.gateway.relay import Relay
from tests.fakes.upstream import FakeAnswer, FakeExchange, FakeUpstream
from tests.gateway.probing import (
    COMPLETION,
    Heard,
    SlowUpstream,
    a_directory,
    a_plan,
    a_prober,
    an_llm,
    standing,
)
from tests.gateway.test_relay import DEADLINES
from tests.registry.installation import Installation
from tests.upstream.calling import eventually


async def test_each_probe_is_told_and_then_the_sum(installation: Installation) -> None:
    who, upstream, heard = await installation.acting(), FakeUpstream(COMPLETION), Heard()
    llm = await an_llm(installation, who)
    upstream.outcomes["one.example"] = [FakeExchange(200, [], [b"{}"]), FakeExchange(500, [], [])]
    limit = Limit("count", 900, 3)
    plan = a_plan(llm, count=3, limits=(limit,))
    await a_prober(installation, upstream).series(who, standing(who), plan, heard)
    assert [type(event) for event in heard.events] == [Limit, Probed, Probed, Probed, Summary]
    assert [probed.seq for probed in heard.probed] == [1, 2, 3]
    assert [probed.ok for probed in heard.probed] == [True, False, True]
    summary = heard.events[-1]
    assert isinstance(summary, Summary)
    assert (summary.probes, summary.ok, summary.timeouts, summary.errors) == (3, 2, 0, 1)
    assert (summary.llm, summary.url) == (llm, heard.probed[-1].url)


async def test_probes_keep_their_distance_and_do_not_crowd(installation: Installation) -> None:
    who, upstream = await installation.acting(), SlowUpstream(0.05)
    llm = await an_llm(installation, who)
    prober = a_prober(installation, upstream)
    await prober.series(who, standing(who), a_plan(llm, count=6, max_in_flight=3), Heard())
    assert upstream.most_at_once == 3
    alone, upstream.most_at_once = a_plan(llm, count=3, interval_ms=80), 0
    upstream.begun_at.clear()
    await prober.series(who, standing(who), alone, Heard())
    assert upstream.most_at_once == 1
    first, second, third = upstream.begun_at
    assert second - first >= 0.079
    assert third - second >= 0.079


async def test_jitter_moves_probes_about_their_interval(installation: Installation) -> None:
    who, upstream = await installation.acting(), SlowUpstream(0)
    llm = await an_llm(installation, who)
    plan = a_plan(llm, count=8, interval_ms=40, is_jittered=True)
    await a_prober(installation, upstream).series(who, standing(who), plan, Heard())
    begun = upstream.begun_at
    pauses = [later - before for before, later in itertools.pairwise(begun)]
    assert min(pauses) >= 0.019
    assert max(pauses) - min(pauses) > 0.002


async def test_a_listener_that_takes_nothing_holds_probes_back(installation: Installation) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    llm = await an_llm(installation, who)
    room = asyncio.Event()
    heard = Heard(lambda _: room.wait())
    series = asyncio.create_task(
        a_prober(installation, upstream).series(
            who, standing(who), a_plan(llm, count=5, max_in_flight=2), heard
        )
    )
    await eventually(lambda: len(upstream.requests) == 2)
    await asyncio.sleep(0.05)
    assert len(upstream.requests) == 2
    room.set()
    await series
    assert len(upstream.requests) == 5


async def begun(prober: Prober, who: Actor, llm_id: str, number: int) -> list[asyncio.Task[Probed]]:
    """Begin pings that do not end by themselves."""
    pings = [asyncio.create_task(prober.once(who, Plan(llm_id=llm_id))) for _ in range(number)]
    await asyncio.sleep(0)
    return pings


async def test_so_many_pings_of_one_principal_run_at_once_and_nobody_else_is_kept_out(
    installation: Installation,
) -> None:
    who, another = await installation.acting(), await installation.acting()
    llm = await an_llm(installation, who)
    prober = a_prober(installation, SlowUpstream(60))
    pings = await begun(prober, who, llm.id, PINGS_AT_ONCE)
    with pytest.raises(TooManyAtOnce, match="wait for one to end"):
        await prober.once(who, a_plan(llm))
    heard = Heard()
    with pytest.raises(TooManyAtOnce):
        await prober.series(who, standing(who), a_plan(llm), heard)
    assert not heard.has_begun
    [theirs] = await begun(prober, another, llm.id, 1)
    assert not theirs.done()
    for ping in (*pings, theirs):
        ping.cancel()
    await asyncio.gather(*pings, theirs, return_exceptions=True)
    assert prober._under_way == {}


async def test_a_failed_probe_makes_no_call_keep_away_from_an_endpoint(
    installation: Installation,
) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    urls = ("https://one.example/v1/chat/completions", "https://two.example/v1/chat/completions")
    llm = await an_llm(installation, who, *urls)
    upstream.outcomes["one.example"] = [FakeExchange(503, [], []) for _ in range(3)]
    prober = a_prober(installation, upstream)
    for _ in range(3):
        probed = await prober.once(who, a_plan(llm))
        assert probed.failure is not None
        assert probed.failure.stage is ProbeStage.ANSWER
    relay = Relay(
        directory=a_directory(installation),
        upstream=upstream,
        deadlines=DEADLINES,
        clock=installation.clock,
        installation=b"dragoman-test",
    )
    body = b'{"model":"my-llm","messages":[]}'
    usage = Usage("req_1", time.perf_counter())
    await relay.chat(usage, who, relay.asked([]), body, FakeAnswer())
    assert [request.origin.host for request in upstream.requests] == ["one.example"] * 4


async def test_who_made_probes_is_logged_and_nothing_that_was_said(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    llm = await an_llm(installation, who)
    upstream.outcomes["one.example"] = [FakeExchange(500, [], [])]
    with caplog.at_level(logging.INFO, "dragoman.gateway.probe"):
        await a_prober(installation, upstream).series(
            who, standing(who), a_plan(llm, text="secret"), Heard()
        )
    [record] = caplog.records
    said = vars(record)
    assert (record.getMessage(), said["probes"], said["ok"]) == ("ping", 4, 3)
    assert (said["principal_id"], said["llm_id"]) == (who.principal_id, llm.id)
    assert "secret" not in repr(said)
