"""Pings: how many probes and when, what is told, and what ends them."""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dragoman.authz.check import Actor
from dragoman.domain.errors import TooManyAtOnce, Unavailable
from dragoman.domain.ports import UpstreamRequest
from dragoman.domain.usage import Usage
from dragoman.gateway.probe import PINGS_AT_ONCE, Ended, Prober
from dragoman.gateway.probe_plan import Limit, Plan
from dragoman.gateway.probe_result import Probed, ProbeStage, Summary
from dragoman.gateway.relay import Relay
from tests.fakes.upstream import FakeAnswer, FakeExchange, FakeUpstream
from tests.gateway.probing import (
    CHAT,
    COMPLETION,
    Event,
    Heard,
    a_directory,
    a_plan,
    a_pool,
    a_prober,
    an_llm,
    standing,
)
from tests.gateway.test_relay import DEADLINES
from tests.registry.installation import Installation
from tests.scripted_upstream import Step, read_request, send, serving, until_hung_up
from tests.upstream.calling import eventually, in_use


class SlowUpstream(FakeUpstream):
    """An upstream whose answers take a while; it counts how many are being waited for."""

    def __init__(self, takes_s: float) -> None:
        super().__init__(COMPLETION)
        self.most_at_once = 0
        self.begun_at: list[float] = []
        self._takes_s = takes_s
        self._waiting = 0

    @asynccontextmanager
    async def exchange(self, request: UpstreamRequest) -> AsyncIterator[FakeExchange]:
        self.begun_at.append(time.perf_counter())
        self._waiting += 1
        self.most_at_once = max(self.most_at_once, self._waiting)
        try:
            await asyncio.sleep(self._takes_s)
        finally:
            self._waiting -= 1
        async with super().exchange(request) as exchange:
            yield exchange


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


async def test_an_llm_that_goes_ends_its_ping_and_what_was_made_is_summed_up(
    installation: Installation,
) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    llm = await an_llm(installation, who)

    async def delete(event: Event) -> None:
        if isinstance(event, Probed):
            await installation.llms.delete(who, llm.id)

    heard = Heard(delete)
    await a_prober(installation, upstream).series(
        who, standing(who), a_plan(llm, interval_ms=50), heard
    )
    probed, ended, summary = heard.events
    assert isinstance(probed, Probed)
    assert ended == Ended("not_found", "There is no LLM with this id.")
    assert isinstance(summary, Summary)
    assert summary.probes == len(upstream.requests) == 1


async def test_a_ping_ends_when_its_time_is_up(installation: Installation) -> None:
    who, heard = await installation.acting(), Heard()
    llm = await an_llm(installation, who)
    prober = a_prober(installation, FakeUpstream(COMPLETION), longest_s=0.01)
    await prober.series(who, standing(who), a_plan(llm, interval_ms=50), heard)
    assert [type(event) for event in heard.events] == [Probed, Ended, Summary]
    assert isinstance(heard.events[1], Ended)
    assert heard.events[1].code == "time_is_up"


DRAINED = Ended("unavailable", "This process is shutting down.")

UNANSWERED: dict[str, tuple[Step, ...]] = {
    "nothing": (read_request(), until_hung_up()),
    "a head": (
        read_request(),
        send(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n"),
        until_hung_up(),
    ),
    "half an error": (
        read_request(),
        send(b"HTTP/1.1 401 No\r\ncontent-length: 99\r\n\r\n{"),
        until_hung_up(),
    ),
}


@pytest.mark.parametrize("came", UNANSWERED)
async def test_a_shutdown_is_no_failure_of_the_llm_that_is_probed(
    installation: Installation, came: str
) -> None:
    who = await installation.acting()
    async with serving(*UNANSWERED[came]) as upstream, a_pool() as pool:
        llm = await an_llm(installation, who, upstream.url + CHAT)
        prober = a_prober(installation, pool)
        once = asyncio.create_task(prober.once(who, a_plan(llm)))
        heard = Heard()
        plan = a_plan(llm, max_in_flight=2, interval_ms=100)
        series = asyncio.create_task(prober.series(who, standing(who), plan, heard))
        await eventually(lambda: len(upstream.requests) == 3)
        await pool.close()
        with pytest.raises(Unavailable, match="shutting down"):
            await once
        await series
        assert len(upstream.requests) == 3
    ended, summary = heard.events
    assert ended == DRAINED
    assert isinstance(summary, Summary)
    assert (summary.llm, summary.probes, summary.errors, summary.bytes_per_s) == (llm, 0, 0, 0)


async def test_a_shutdown_ends_a_ping_at_once_and_what_was_made_is_summed_up(
    installation: Installation,
) -> None:
    who, upstream, heard = await installation.acting(), FakeUpstream(COMPLETION), Heard()
    llm = await an_llm(installation, who)
    good = FakeExchange(200, [], [COMPLETION])
    upstream.outcomes["one.example"] = [good, Unavailable(DRAINED.message)]
    plan = a_plan(llm, count=100, interval_ms=150)
    async with asyncio.timeout(5):
        await a_prober(installation, upstream).series(who, standing(who), plan, heard)
    probed, ended, summary = heard.events
    assert isinstance(probed, Probed)
    assert ended == DRAINED
    assert isinstance(summary, Summary)
    assert (summary.probes, summary.ok, len(upstream.requests)) == (1, 1, 2)


async def test_a_probe_that_has_no_room_lets_those_that_are_under_way_end(
    installation: Installation,
) -> None:
    who, heard = await installation.acting(), Heard()
    upstream = SlowUpstream(0.1)
    llm = await an_llm(installation, who)
    good = FakeExchange(200, [], [COMPLETION])
    upstream.outcomes["one.example"] = [good, Unavailable("No room."), good]
    plan = a_plan(llm, count=3, max_in_flight=3)
    await a_prober(installation, upstream).series(who, standing(who), plan, heard)
    *probed, ended, summary = heard.events
    assert [event.seq for event in probed if isinstance(event, Probed)] == [1, 3]
    assert ended == Ended("unavailable", "No room.")
    assert isinstance(summary, Summary)
    assert (summary.probes, len(upstream.requests)) == (2, 3)


@pytest.mark.parametrize("in_flight", [1, 3])
async def test_a_ping_that_is_called_off_closes_what_it_has_open(
    installation: Installation, in_flight: int
) -> None:
    who = await installation.acting()
    async with serving(until_hung_up()) as upstream, a_pool() as pool:
        llm = await an_llm(installation, who, upstream.url + CHAT)
        prober, heard = a_prober(installation, pool), Heard()
        plan = a_plan(llm, max_in_flight=in_flight)
        series = asyncio.create_task(prober.series(who, standing(who), plan, heard))
        await eventually(lambda: len(upstream.peers) == in_flight)
        series.cancel()
        with pytest.raises(asyncio.CancelledError):
            await series
        assert in_use(pool) == 0
        for peer in upstream.peers:
            await peer.left()
        assert heard.events == []
        assert prober._under_way == {}


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
