"""What ends a ping before all of its probes are made, and what is told then."""

import asyncio

import pytest

from dragoman.domain.errors import Unavailable
from dragoman.gateway.probe import Ended
from dragoman.gateway.probe_result import Probed, Summary
from tests.fakes.upstream import FakeExchange, FakeUpstream
from tests.gateway.probing import (
    CHAT,
    COMPLETION,
    Event,
    Heard,
    SlowUpstream,
    a_plan,
    a_pool,
    a_prober,
    an_llm,
    standing,
)
from tests.registry.installation import Installation
from tests.scripted_upstream import Step, read_request, send, serving, until_hung_up
from tests.upstream.calling import eventually, in_use


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
