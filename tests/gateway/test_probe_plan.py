"""What a ping may ask for, and how its probes are summed up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.gateway.probe_plan import BOUNDS, Limit, Plan, planned
from dragoman.gateway.probe_result import Probed, ProbeFailure, ProbeStage, summarized
from tests.registry.installation import NOON_MS
from tests.storage.samples import named_llm

ONE = named_llm("01a00000-0000-7000-8000-000000000001", "one")
TWO = named_llm("01a00000-0000-7000-8000-000000000002", "two")
NUMBERS = ("timeout_ms", "count", "interval_ms", "max_in_flight")


def test_what_is_left_out_has_a_default() -> None:
    assert planned("id", None, {}) == Plan(
        llm_id="id",
        text="ping",
        timeout_ms=5000,
        count=4,
        interval_ms=1000,
        max_in_flight=1,
        is_jittered=False,
        limits=(),
    )


@given(
    st.fixed_dictionaries({}, optional={name: st.integers(1, 10**9) for name in BOUNDS}),
)
def test_a_plan_keeps_every_number_in_its_bounds_and_tells_of_those_it_moved(
    asked: dict[str, int],
) -> None:
    plan = planned("id", None, asked)
    done = {name: getattr(plan, name) for name in NUMBERS} | {"size_bytes": len(plan.text)}
    for name, number in asked.items():
        least, most = BOUNDS[name]
        assert least <= done[name] <= most
        moved = Limit(name, number, done[name])
        assert (moved in plan.limits) is (done[name] != number)
    assert {limit.name for limit in plan.limits} <= asked.keys()


def a_probed(seq: int, rtt_ns: int, failure: ProbeFailure | None = None) -> Probed:
    began_ns = NOON_MS * 1_000_000 + seq * 1_000_000_000
    return Probed(
        seq=seq,
        llm=ONE,
        url="https://one.example",
        bytes_sent=60,
        bytes_received=40,
        status=200,
        began_ns=began_ns,
        answered_ns=began_ns,
        ended_ns=began_ns + rtt_ns,
        failure=failure,
    )


@pytest.mark.parametrize(
    ("trips", "expected"),
    [
        ([7], (7, 7, 7, 7, 7, 7)),
        ([2, 1], (1, 1.5, 1, 2, 2, 2)),
        ([*range(100, 0, -1)], (1, 50.5, 50, 90, 99, 100)),
    ],
)
def test_round_trips_are_summed_up_by_nearest_ranks(
    trips: list[int], expected: tuple[float, ...]
) -> None:
    summary = summarized(ONE, [a_probed(seq, trip) for seq, trip in enumerate(trips, 1)])
    found = (
        summary.min_ns,
        summary.avg_ns,
        summary.p50_ns,
        summary.p90_ns,
        summary.p99_ns,
        summary.max_ns,
    )
    assert found == expected


def test_failures_are_counted_by_kind_and_their_round_trips_by_nobody() -> None:
    late = ProbeFailure(ProbeStage.ANSWER, "Late.", is_timeout=True)
    wrong = ProbeFailure(ProbeStage.AUTH, "Wrong.")
    probed = [
        a_probed(2, 900, wrong),
        a_probed(1, 10),
        a_probed(4, 2_000_000_000, late),
        a_probed(3, 5_000, late),
    ]
    summary = summarized(TWO, probed)
    assert (summary.probes, summary.ok, summary.timeouts, summary.errors) == (4, 1, 2, 1)
    assert (summary.min_ns, summary.max_ns) == (10, 10)
    assert (summary.llm, summary.url) == (ONE, ONE.configuration.endpoints[0].url)
    assert summary.probes_per_s == pytest.approx(4 / 5)
    assert summary.bytes_per_s == pytest.approx(400 / 5)


def test_without_one_good_answer_there_are_no_round_trips() -> None:
    summary = summarized(ONE, [a_probed(1, 900, ProbeFailure(ProbeStage.DNS, "No."))])
    assert (summary.ok, summary.min_ns, summary.avg_ns, summary.p99_ns, summary.max_ns) == (0,) * 5


def test_without_one_probe_everything_is_0_and_the_llm_is_named_all_the_same() -> None:
    summary = summarized(TWO, [])
    assert (summary.llm, summary.url) == (TWO, TWO.configuration.endpoints[0].url)
    assert (summary.probes, summary.ok, summary.timeouts, summary.errors) == (0,) * 4
    assert (summary.min_ns, summary.max_ns, summary.probes_per_s, summary.bytes_per_s) == (0,) * 4
