"""What is remembered of a source: asked once at a time, and lent on while it cannot be asked."""

import asyncio
import logging

import pytest

from dragoman.domain.errors import CredentialUnusable, UpstreamUnreachable
from dragoman.secret_sources import remembered
from dragoman.secret_sources.remembered import (
    FAILED_FOR_MS,
    RETRY_MS,
    Fetched,
    Remembered,
    SourceUnreachable,
)
from dragoman.vault.held import Lent
from dragoman.vault.secret import Secret
from tests.registry.installation import SetClock

FRESH_MS = 30_000
USABLE_MS = 600_000

Answer = str | None | CredentialUnusable

DOWN = SourceUnreachable("The source is down.")
REFUSED = CredentialUnusable("The source refuses.")


class ToldSource:
    """A source that says what it was told, when it is let; counts how often it was asked."""

    def __init__(self, clock: SetClock) -> None:
        self.says: Answer = "one"
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._clock = clock

    async def fetch(self, _: str) -> Fetched | None:
        self.asked += 1
        await self.may_answer.wait()
        if isinstance(self.says, CredentialUnusable):
            raise self.says
        now_ms = self._clock.now_ms()
        if self.says is None:
            return None
        return Fetched(Secret(self.says), now_ms + FRESH_MS, now_ms + USABLE_MS)


@pytest.fixture
def source(clock: SetClock) -> ToldSource:
    return ToldSource(clock)


@pytest.fixture
def memory(source: ToldSource, clock: SetClock) -> Remembered[str]:
    return Remembered("told", source.fetch, clock)


def shown(lent: Lent | None) -> str | None:
    return lent.secret.reveal() if lent else None


async def test_a_secret_is_asked_for_once_while_it_is_fresh(
    memory: Remembered[str], source: ToldSource, clock: SetClock
) -> None:
    began_ms = clock.now_ms()
    for _ in range(3):
        lent = await memory.lend("a")
        assert lent is not None
        assert (shown(lent), lent.good_until_ms) == ("one", began_ms + FRESH_MS)
        clock.time_ms += FRESH_MS // 3 - 1
    assert source.asked == 1
    source.says = "two"
    clock.time_ms += 3
    assert shown(await memory.lend("a")) == "two"


async def test_another_name_is_another_secret(memory: Remembered[str], source: ToldSource) -> None:
    await memory.lend("a")
    source.says = "two"
    assert shown(await memory.lend("b")) == "two"
    assert shown(await memory.lend("a")) == "one"


async def test_many_callers_ask_once_and_one_that_leaves_takes_it_from_nobody(
    memory: Remembered[str], source: ToldSource
) -> None:
    source.may_answer.clear()
    first = asyncio.create_task(memory.lend("a"))
    others = [asyncio.create_task(memory.lend("a")) for _ in range(100)]
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.may_answer.set()
    assert {shown(lent) for lent in await asyncio.gather(*others)} == {"one"}
    assert source.asked == 1


async def test_an_answer_is_kept_although_all_who_asked_have_left(
    memory: Remembered[str], source: ToldSource
) -> None:
    source.may_answer.clear()
    only = asyncio.create_task(memory.lend("a"))
    await asyncio.sleep(0)
    only.cancel()
    await asyncio.wait([only])
    source.may_answer.set()
    assert shown(await memory.lend("a")) == "one"
    assert source.asked == 1


@pytest.mark.parametrize("says", [None, DOWN, REFUSED], ids=str)
async def test_a_failure_is_remembered_for_a_moment_only(
    memory: Remembered[str], source: ToldSource, clock: SetClock, says: Answer
) -> None:
    source.says = says
    for wait_ms in (0, FAILED_FOR_MS - 1):
        clock.time_ms += wait_ms
        if isinstance(says, CredentialUnusable):
            with pytest.raises(CredentialUnusable, match=says.message):
                await memory.lend("a")
        else:
            assert await memory.lend("a") is None
    assert source.asked == 1
    source.says = "one"
    clock.time_ms += 1
    assert shown(await memory.lend("a")) == "one"


# --- A source that was there -----------------------------------------------------------------


async def test_a_secret_is_lent_on_while_its_source_is_away_and_not_for_ever(
    memory: Remembered[str], source: ToldSource, clock: SetClock
) -> None:
    began_ms = clock.now_ms()
    await memory.lend("a")
    source.says = DOWN
    clock.time_ms = began_ms + FRESH_MS
    while clock.now_ms() < began_ms + USABLE_MS:
        lent = await memory.lend("a")
        assert shown(lent) == "one"
        assert lent is not None
        assert lent.good_until_ms <= min(clock.now_ms() + RETRY_MS, began_ms + USABLE_MS)
        clock.time_ms += RETRY_MS
    assert source.asked == 1 + (USABLE_MS - FRESH_MS) // RETRY_MS
    with pytest.raises(CredentialUnusable, match="is down"):
        await memory.lend("a")


async def test_a_source_that_is_back_is_believed(
    memory: Remembered[str], source: ToldSource, clock: SetClock
) -> None:
    await memory.lend("a")
    source.says = DOWN
    clock.time_ms += FRESH_MS
    await memory.lend("a")
    source.says = "two"
    clock.time_ms += RETRY_MS
    assert shown(await memory.lend("a")) == "two"


@pytest.mark.parametrize("says", [None, REFUSED], ids=str)
async def test_what_the_source_says_is_gone_is_not_lent_on(
    memory: Remembered[str], source: ToldSource, clock: SetClock, says: Answer
) -> None:
    await memory.lend("a")
    for word in (says, DOWN):
        source.says = word
        clock.time_ms += FRESH_MS
        if word is None:
            assert await memory.lend("a") is None
        else:
            with pytest.raises(CredentialUnusable):
                await memory.lend("a")


async def test_nobody_waits_long_for_a_source_while_there_is_something_to_lend(
    memory: Remembered[str],
    source: ToldSource,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembered, "PATIENCE_S", 0.02)
    await memory.lend("a")
    source.may_answer.clear()
    source.says = "two"
    clock.time_ms += FRESH_MS
    for _ in range(3):
        lent = await memory.lend("a")
        assert lent is not None
        assert (shown(lent), lent.good_until_ms) == ("one", clock.now_ms() + RETRY_MS)
    source.may_answer.set()
    async with asyncio.timeout(10):
        while shown(await memory.lend("a")) != "two":  # noqa: ASYNC110  # there is no event
            await asyncio.sleep(0.001)
    assert source.asked == 2


async def test_a_source_that_never_answers_is_given_up(
    memory: Remembered[str], source: ToldSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "DEADLINE_S", 0.02)
    source.may_answer.clear()
    async with asyncio.timeout(10):
        with pytest.raises(CredentialUnusable, match=r"\(timeout\)"):
            await memory.lend("a")


async def test_names_that_somebody_makes_up_do_not_fill_the_memory(
    source: ToldSource, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "REMEMBERED_SECRETS", 3)
    memory = Remembered("told", source.fetch, clock)
    for number in range(10):
        await memory.lend(str(number))
    assert len(memory._said) == 3
    assert memory._asking == {}


async def test_the_log_says_what_was_behind_a_failure_and_callers_do_not_hear_it(
    clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def fetch(_: str) -> Fetched | None:
        raise DOWN from UpstreamUnreachable("https://vault.internal:8200 cannot be reached.")

    with caplog.at_level(logging.WARNING), pytest.raises(CredentialUnusable) as refused:
        await Remembered("told", fetch, clock).lend("vault://kv/a#b")
    (line,) = caplog.records
    assert line.message == "secret_not_fetched"
    fields = vars(line)
    assert (fields["source"], fields["secret"]) == ("told", "vault://kv/a#b")
    reason = "The source is down. https://vault.internal:8200 cannot be reached."
    assert fields["reason"] == reason
    assert refused.value.message == "The source is down."
