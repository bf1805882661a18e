"""No answer ever reaches another caller, and nothing hangs.

A load tool that counts statuses does not see this fault: connections given back to the pool too
early passed every test of single requests, and sent one answer in thirty to the wrong caller.
Some callers leave in the middle here, and some answers are cut, have more behind them, or are the
last that their connection carries.
"""

import asyncio
import json
import random
from collections import Counter

import pytest

from tests.caller import Caller, Received, calling
from tests.faults.answers import DONE
from tests.marking_upstream import CUT, MANNERS, STREAMED_CHUNKS, marking_upstream
from tests.running import RunningDragoman, registration

CALLERS = 300
CALLS_EACH = 6
WELL = "well"


@pytest.mark.parametrize("manners", [(WELL,), (*[WELL] * 6, *MANNERS)], ids=["well", "not well"])
async def test_every_caller_gets_its_own_answer(
    dragoman: RunningDragoman, manners: tuple[str, ...]
) -> None:
    chance = random.Random(1)
    outcomes: Counter[str] = Counter()

    async def caller(number: int) -> None:
        async with calling(dragoman.url, dragoman.admin_key) as caller:
            for turn in range(CALLS_EACH):
                mark = f"caller {number}, call {turn}"
                manner, streamed = chance.choice(manners), bool(turn % 2)
                outcomes[manner] += 1
                if len(manners) > 1 and chance.random() < 0.1:
                    await leave_early(caller, name, mark, manner, chance.random() * 0.1)
                    outcomes["left"] += 1
                    continue
                received = await caller.call(name, **marked(mark, manner, stream=streamed))
                outcomes[outcome(received, mark, manner)] += 1

    with marking_upstream() as base_url, dragoman.client() as client:
        name = f"marking {len(manners)}"
        body = registration(f"{base_url}/chat/completions", displayName=name)
        assert client.post("/anam/v1/llms", json=body).status_code == 201
        async with asyncio.timeout(90):
            await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    ends = ("answered", "cut", "lost", "left")
    assert sum(outcomes[end] for end in ends) == CALLERS * CALLS_EACH
    # A request that crosses with the end of its connection is lost: a call is not sent twice.
    assert outcomes["lost"] <= outcomes["half closed behind"]
    assert outcomes["answered"] > CALLERS * CALLS_EACH // 2


def marked(mark: str, manner: str, *, stream: bool) -> dict[str, object]:
    message = {"role": "user", "content": mark}
    return {"messages": [message], "user": manner, "stream": stream}


async def leave_early(caller: Caller, name: str, mark: str, manner: str, after_s: float) -> None:
    """Hang up before the answer, within it or behind it, as it happens."""
    await caller.send(name, **marked(mark, manner, stream=True))
    await asyncio.sleep(after_s)
    caller.leave()


def outcome(received: Received, mark: str, manner: str) -> str:
    """Say how a call ended; fails if anything in it is of somebody else, or cut and looks whole."""
    if received.status == 502:
        assert received.error["code"] == "upstream_broken"
        return "cut" if manner in CUT else "lost"
    assert received.status == 200
    events = [event for event in received.body.split(b"\n\n") if b"choices" in event]
    expected = json.dumps(mark).encode()
    assert all(expected in event for event in events if event.endswith(b"}"))
    assert b"of nobody" not in received.body
    if manner in CUT:
        assert not received.whole
        assert not received.body.endswith(DONE)
        return "cut"
    assert received.whole
    assert received.body.count(expected) == (STREAMED_CHUNKS if received.is_stream else 1)
    assert received.body.endswith(DONE) == received.is_stream
    return "answered"
