"""Endpoints that failed are left alone for a while, and then tried by one call at first.

Pure: the time comes with each question, from a clock that only runs forward [s].
"""

from collections.abc import Sequence

from msgspec import Struct

FIRST_S = 1.0
LONGEST_S = 60.0
LONGEST_ASKED_S = 300.0
"""What an upstream asks for beyond this is not believed [s]."""
MOST_KEPT = 4096
"""How many endpoints are remembered as failing; each takes some 400 bytes."""

Key = tuple[str, str, str]
"""The caller's organization, the LLM's id, the endpoint's URL: what one organization meets says
nothing to another, which may have other limits there."""


class _State(Struct, gc=False):
    failures: int = 0
    """In a row, as far as they were more than stragglers of the one before."""
    until_s: float = float("-inf")
    probe: int = 0
    """The number of the call that tries it; 0 where none does."""


class Cooldowns:
    """Remembers which endpoints failed; one that is not remembered is well.

    A failure starts a cooldown, twice as long each time. When it is over, one call probes: until
    that has ended, others keep away. A success ends it all. Calls that fail while it lasts were
    under way before, or had nothing else to try: they change nothing.
    """

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._states: dict[Key, _State] = {}
        self._most_kept = most_kept
        self._probes = 0

    def __len__(self) -> int:
        return len(self._states)

    def choose(self, keys: Sequence[Key], now_s: float) -> tuple[int, int]:
        """Choose which of these to try next; gives its index, and a number if it is a probe.

        It is the first that is not cooling, or simply the first where all are. The number is
        handed back with the outcome.
        """
        for index, key in enumerate(keys):
            state = self._states.get(key)
            if state is None:
                return index, 0
            if not state.probe and state.until_s <= now_s:
                self._probes += 1
                state.probe = self._probes
                return index, state.probe
        return 0, 0

    def worked(self, key: Key) -> None:
        """Take note that an endpoint answered."""
        self._states.pop(key, None)

    def failed(self, key: Key, probe: int, now_s: float, asked_s: float = 0.0) -> None:
        """Take note that an endpoint failed, and for how long it asked to be left alone [s]."""
        state = self._states.get(key)
        if state is None:
            self._make_room(key[0])
            state = self._states[key] = _State()
        if state.probe not in {0, probe}:
            return  # another call is finding out
        state.probe = 0
        if state.until_s <= now_s:
            cooldown_s = min(FIRST_S * 2.0 ** min(state.failures, 16), LONGEST_S)
            state.failures += 1
            state.until_s = now_s + cooldown_s
        state.until_s = max(state.until_s, now_s + min(asked_s, LONGEST_ASKED_S))

    def let_go(self, key: Key, probe: int) -> None:
        """Give up a probe that came to no end: the next call may make one."""
        state = self._states.get(key)
        if state is not None and state.probe == probe:
            state.probe = 0

    def _make_room(self, organization_id: str) -> None:
        """Forget one where there are too many, of the organization that wants another if it can."""
        if len(self._states) >= self._most_kept:
            own = (key for key in self._states if key[0] == organization_id)
            del self._states[next(own, next(iter(self._states)))]
