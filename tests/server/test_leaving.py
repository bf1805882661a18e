"""Whatever a caller is in the middle of when it leaves: its upstream is let go of at once."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.background import in_background
from tests.cli.processes import eventually
from tests.faults.answers import STREAM
from tests.running import RunningDragoman
from tests.scripted_upstream import send, serving, until_hung_up
from tests.server.upstreams import (
    EVENT,
    attempts,
    callers,
    complaints,
    descriptors,
    flood,
    memory_bytes,
    threads,
    unless_quick,
    unreachable,
)
from tests.server.wire import CHAT, Wire, call, register

LEFT_S = 2.0
PLACES = 3
"""Connections to an upstream that each of two workers may have."""

HALF = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
HEALTH = b"GET /healthz HTTP/1.1\r\n\r\n"
UPLOAD = HEALTH.replace(b"GET", b"POST")[:-2] + b"content-length: 400000\r\n\r\n" + b"x" * 400_000

PHASES = {
    "before the first byte": ([until_hung_up()], b"", b""),
    "in a stream": ([send(STREAM + EVENT), until_hung_up()], b"", b"data: {}"),
    "in a plain answer": ([send(HALF), until_hung_up()], b"", b"\r\n\r\n{"),
    "with a request behind": ([until_hung_up()], HEALTH, b""),
    "with more behind than is read ahead": ([until_hung_up()], UPLOAD, b""),
    "while it does not read": ([flood()], b"", b"data: "),
}

Leave = Callable[[Wire], object]
LEAVES: dict[str, Leave] = {"closed": lambda wire: wire.socket.close(), "reset": Wire.reset}


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    data_dir = tmp_path_factory.mktemp("narrow") / "data"
    with RunningDragoman.start(data_dir, workers=2, upstream_connections=str(PLACES)) as dragoman:
        yield dragoman
        assert complaints(dragoman) == []


def quick(dragoman: RunningDragoman, name: str) -> None:
    """Call through every place that there is; fails if one is still taken."""
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(dragoman.url)) for _ in range(3 * PLACES)]
        for wire in wires:
            wire.send(call(dragoman.admin_key, name, user="quick"))
        assert [wire.answer().body for wire in wires] == [b"{}"] * len(wires)


@pytest.mark.parametrize("leave", LEAVES)
@pytest.mark.parametrize("phase", PHASES)
def test_a_caller_leaves(narrow: RunningDragoman, phase: str, leave: str) -> None:
    steps, behind, comes = PHASES[phase]
    with in_background(serving(*unless_quick(*steps))) as upstream, ExitStack() as stack:
        name = f"{phase}, {leave}"
        register(narrow, upstream, name)
        wires = [stack.enter_context(Wire(narrow.url, room=4096)) for _ in range(PLACES)]
        for wire in wires:
            wire.send(call(narrow.admin_key, name, stream=True))
            wire.socket.setblocking(False)
            try:
                wire.socket.send(behind)  # as much of it as is taken
            finally:
                wire.socket.settimeout(10)
        assert eventually(lambda: len(upstream.requests) == PLACES)
        for wire in wires:
            if comes:
                wire.until(comes)
        time.sleep(0.2)
        for wire in wires:
            LEAVES[leave](wire)
        assert eventually(lambda: not upstream.open_peers, LEFT_S)
        quick(narrow, name)


@pytest.mark.parametrize("leave", LEAVES)
def test_a_caller_leaves_while_it_sends(narrow: RunningDragoman, leave: str) -> None:
    assert eventually(lambda: not callers(narrow))
    before = sum(descriptors(narrow))
    head = f"POST {CHAT} HTTP/1.1\r\nauthorization: Bearer {narrow.admin_key}\r\n"
    head += "expect: 100-continue\r\ncontent-length: 9000\r\n\r\n"
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(narrow.url)) for _ in range(10)]
        for wire in wires:
            assert wire.send(head.encode()).answer().status == 100  # its body is waited for
            wire.send(b"x" * 5000)
        for wire in wires:
            LEAVES[leave](wire)
        assert eventually(lambda: sum(descriptors(narrow)) <= before, LEFT_S)


@pytest.mark.parametrize("leave", LEAVES)
def test_a_caller_leaves_while_its_upstream_is_being_reached(
    narrow: RunningDragoman, leave: str
) -> None:
    with unreachable() as upstream, ExitStack() as stack:
        name = f"reached, {leave}"
        register(narrow, upstream, name)
        wires = [stack.enter_context(Wire(narrow.url)) for _ in range(3 * PLACES)]
        for wire in wires:
            wire.send(call(narrow.admin_key, name))
        # As many attempts as there are places, in a worker that has so many callers.
        assert eventually(lambda: attempts(upstream.port) >= PLACES)
        for wire in wires:
            LEAVES[leave](wire)
        assert eventually(lambda: not attempts(upstream.port), LEFT_S)
        assert eventually(lambda: not callers(narrow), LEFT_S)


@pytest.mark.parametrize("leave", LEAVES)
def test_a_caller_leaves_as_soon_as_it_is_connected(narrow: RunningDragoman, leave: str) -> None:
    assert eventually(lambda: not callers(narrow))
    before = sum(descriptors(narrow))
    for _ in range(300):
        LEAVES[leave](Wire(narrow.url))
    assert eventually(lambda: sum(descriptors(narrow)) < before + 100, LEFT_S)


async def test_a_thousand_callers_leave_and_nothing_stays(narrow: RunningDragoman) -> None:
    phases: list[tuple[list[bytes], float]] = []
    with ExitStack() as stack:
        for phase, (steps, _, _) in PHASES.items():
            served = stack.enter_context(in_background(serving(*unless_quick(*steps))))
            register(narrow, served, f"{phase}, many")
            request = call(narrow.admin_key, f"{phase}, many", stream=True)
            phases += [([request, HEALTH], 0.02), ([request[:-5]], 0.01), ([request], 0.05)]
            phases += [([request], 0.0)]
        await leave_often(narrow, phases, 200)  # what is made once has been made
        before = descriptors(narrow), threads(narrow), memory_bytes(narrow)
        await leave_often(narrow, phases, 1000)
        assert eventually(lambda: sum(descriptors(narrow)) <= sum(before[0]), LEFT_S)
        assert sum(threads(narrow)) <= sum(before[1])
        assert memory_bytes(narrow) < before[2] + 8 * 1024 * 1024
        quick(narrow, "before the first byte, many")


async def leave_often(
    dragoman: RunningDragoman, phases: list[tuple[list[bytes], float]], times: int
) -> None:
    """Call and leave, 100 times each second."""
    host, _, port = dragoman.url.removeprefix("http://").partition(":")

    async def leave(number: int) -> None:
        await asyncio.sleep(number / 100)
        pieces, patience_s = phases[number % len(phases)]
        _, writer = await asyncio.open_connection(host, int(port))
        writer.writelines(pieces)
        await asyncio.sleep(patience_s * random.random() * 2)
        if number % 2:
            writer.transport.abort()
        else:
            writer.close()

    async with asyncio.TaskGroup() as group:
        for number in range(times):
            group.create_task(leave(number))
