"""Which endpoints are left alone, for how long, and who tries them again."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dragoman.gateway.cooldown import FIRST_S, LONGEST_ASKED_S, LONGEST_S, Cooldowns, Key

ONE: Key = ("acme", "llm", "https://one.example/v1")
TWO: Key = ("acme", "llm", "https://two.example/v1")
THREE: Key = ("acme", "llm", "https://three.example/v1")
KEYS = (ONE, TWO, THREE)


def test_one_that_failed_comes_after_the_others_until_its_cooldown_is_over() -> None:
    cooldowns = Cooldowns()
    cooldowns.failed(ONE, 0, 100.0)
    assert cooldowns.choose(KEYS, 100.0 + FIRST_S - 0.01) == (1, 0)
    assert cooldowns.choose(KEYS, 100.0 + FIRST_S)[0] == 0


def test_when_all_are_cooling_they_are_tried_in_order() -> None:
    cooldowns = Cooldowns()
    for key in KEYS:
        cooldowns.failed(key, 0, 100.0)
    assert cooldowns.choose(KEYS, 100.0) == (0, 0)
    assert cooldowns.choose(KEYS[1:], 100.0) == (0, 0)


def test_one_call_probes_while_others_go_elsewhere() -> None:
    cooldowns = Cooldowns()
    cooldowns.failed(ONE, 0, 100.0)
    index, probe = cooldowns.choose(KEYS, 102.0)
    assert index == 0
    assert probe
    assert cooldowns.choose(KEYS, 102.0) == (1, 0)
    cooldowns.worked(ONE)
    assert cooldowns.choose(KEYS, 102.0) == (0, 0)
    assert len(cooldowns) == 0


def test_each_probe_that_fails_doubles_the_cooldown_up_to_a_minute() -> None:
    cooldowns, now, waits = Cooldowns(), 0.0, []
    cooldowns.failed(ONE, 0, now)
    for _ in range(9):
        failed_at = now
        while True:
            now += 0.5
            index, probe = cooldowns.choose(KEYS, now)
            if index == 0:
                break
        waits.append(now - failed_at)
        cooldowns.failed(ONE, probe, now)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_calls_that_fail_together_count_as_one_failure() -> None:
    cooldowns = Cooldowns()
    for _ in range(100):
        cooldowns.failed(ONE, 0, 100.0)
    assert cooldowns.choose(KEYS, 100.0 + FIRST_S)[0] == 0


def test_a_probe_that_was_given_up_is_made_by_the_next_call() -> None:
    cooldowns = Cooldowns()
    cooldowns.failed(ONE, 0, 100.0)
    _, probe = cooldowns.choose(KEYS, 102.0)
    cooldowns.let_go(ONE, probe)
    index, second = cooldowns.choose(KEYS, 102.0)
    assert index == 0
    assert second != probe
    cooldowns.let_go(ONE, probe)  # once more, too late
    assert cooldowns.choose(KEYS, 102.0) == (1, 0)


def test_a_straggler_does_not_end_somebody_elses_probe() -> None:
    cooldowns = Cooldowns()
    cooldowns.failed(ONE, 0, 100.0)
    _, probe = cooldowns.choose(KEYS, 102.0)
    cooldowns.failed(ONE, 0, 102.5)
    assert cooldowns.choose(KEYS, 110.0) == (1, 0)
    cooldowns.failed(ONE, probe, 103.0)
    assert cooldowns.choose(KEYS, 104.9) == (1, 0)
    assert cooldowns.choose(KEYS, 105.0)[0] == 0


@pytest.mark.parametrize(
    ("asked_s", "cooldown_s"), [(7, 7), (0.2, FIRST_S), (86_400, LONGEST_ASKED_S)]
)
def test_what_an_upstream_asks_for_is_respected_within_reason(
    asked_s: float, cooldown_s: float
) -> None:
    cooldowns = Cooldowns()
    cooldowns.failed(ONE, 0, 100.0, asked_s)
    assert cooldowns.choose(KEYS, 100.0 + cooldown_s - 0.01)[0] == 1
    assert cooldowns.choose(KEYS, 100.0 + cooldown_s)[0] == 0


def test_one_organization_learns_nothing_from_another() -> None:
    cooldowns = Cooldowns()
    cooldowns.failed(ONE, 0, 100.0)
    theirs = ("others", *ONE[1:])
    assert cooldowns.choose((theirs, TWO), 100.0) == (0, 0)


def test_what_is_remembered_is_bounded_and_the_one_who_fills_it_forgets_first() -> None:
    cooldowns = Cooldowns(most_kept=3)
    cooldowns.failed(("other", "llm", "https://a.example"), 0, 100.0)
    for number in range(10):
        cooldowns.failed(("acme", "llm", f"https://{number}.example"), 0, 100.0)
    assert len(cooldowns) == 3
    others = [("other", "llm", "https://a.example"), TWO]
    assert cooldowns.choose(others, 100.0) == (1, 0)
    cooldowns.failed(("third", "llm", "https://a.example"), 0, 100.0)
    assert len(cooldowns) == 3


class Calls(RuleBasedStateMachine):
    """Any number of calls at once, on three endpoints; each ends well, badly, or is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.cooldowns = Cooldowns()
        self.now = 0.0
        self.under_way: list[tuple[Key, int]] = []
        self.closed_until = dict.fromkeys(KEYS, 0.0)
        """Until when nobody may have been sent to an endpoint while another was free."""

    @rule(seconds=st.floats(0, 90))
    def time_goes_on(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def call(self) -> None:
        index, probe = self.cooldowns.choose(KEYS, self.now)
        key = KEYS[index]
        cooling = [other for other in KEYS if self.closed_until[other] > self.now]
        assert key not in cooling or len(cooling) + len(self.probing - set(cooling)) == len(KEYS)
        if probe:
            assert key not in self.probing, "two probes of one endpoint"
        self.under_way.append((key, probe))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        key, _ = self._end(data)
        self.cooldowns.worked(key)
        self.closed_until[key] = 0.0
        self.under_way = [(k, 0 if k == key else probe) for k, probe in self.under_way]

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        key, probe = self._end(data)
        before = self.closed_until[key]
        self.cooldowns.failed(key, probe, self.now)
        if probe or (before <= self.now and key not in self.probing):
            self.closed_until[key] = self.now + FIRST_S

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        self.cooldowns.let_go(*self._end(data))

    @invariant()
    def every_endpoint_that_nobody_probes_is_tried_again_within_a_minute(self) -> None:
        for key in set(KEYS) - self.probing:
            index, probe = self.cooldowns.choose([key, ("o", "l", "u")], self.now + LONGEST_S)
            assert index == 0
            if probe:
                self.cooldowns.let_go(key, probe)

    @property
    def probing(self) -> set[Key]:
        return {key for key, probe in self.under_way if probe}

    def _end(self, data: st.DataObject) -> tuple[Key, int]:
        return self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
