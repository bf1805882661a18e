"""Ten thousand callers who are connected and say nothing."""

import resource
import socket
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.cli.processes import eventually
from tests.running import RunningDragoman
from tests.server.upstreams import complaints, descriptors, memory_bytes
from tests.server.wire import Wire

CROWD = 10_000
SPARE = 1000
STEP = 1000
"""So many connect at once. The kernel forgets some of those for whom its queue has no room, and
asks them again after seconds."""

COST_BYTES = 10 * 1024
"""What a silent caller may cost, twice what it does."""


def test_a_crowd_of_silent_callers_costs_little_and_holds_up_nobody(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= CROWD + SPARE, "the callers need sockets too: raise the limit of descriptors"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, CROWD + SPARE), hard))
    try:
        with RunningDragoman.start(tmp_path / "data", workers=2) as dragoman:
            _crowd(dragoman)
            assert complaints(dragoman) == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _crowd(dragoman: RunningDragoman) -> None:
    memory_before, open_before = memory_bytes(dragoman), sum(descriptors(dragoman))
    host, _, port = dragoman.url.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        for there in range(STEP, CROWD + 1, STEP):
            for _ in range(STEP):
                stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            assert eventually(partial(_are_open, dragoman, open_before + there))
        time.sleep(1)  # two looks at all of them
        for _ in range(50):
            with Wire(dragoman.url) as wire:
                wire.socket.settimeout(3)
                assert wire.send(b"GET /healthz HTTP/1.1\r\n\r\n").answer().status == 200
        held = memory_bytes(dragoman) - memory_before
        assert held / CROWD < COST_BYTES
    assert eventually(lambda: sum(descriptors(dragoman)) == open_before)


def _are_open(dragoman: RunningDragoman, count: int) -> bool:
    return sum(descriptors(dragoman)) == count
