"""A caller that does not read costs little, and is let go of when it takes nothing at all."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests.background import in_background
from tests.cli.processes import eventually
from tests.running import RunningDragoman
from tests.scripted_upstream import ScriptedUpstream, serving
from tests.server.upstreams import complaints, flood, memory_bytes, queued_bytes, unless_quick
from tests.server.wire import Wire, call, register

WRITE_S = 3.0
ROOM = 2048
"""A kernel says that there is room again when there is a good part of this [bytes]."""

STREAMS = 40


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    data_dir = tmp_path_factory.mktemp("impatient") / "data"
    settings = {"caller_write_s": str(WRITE_S)}
    with RunningDragoman.start(data_dir, workers=2, **settings) as dragoman:
        yield dragoman
        assert complaints(dragoman) == []


@pytest.fixture(scope="module")
def endless(impatient: RunningDragoman) -> Iterator[ScriptedUpstream]:
    with in_background(serving(*unless_quick(flood()))) as upstream:
        register(impatient, upstream, "endless")
        yield upstream


def test_a_caller_that_takes_nothing_is_let_go_of(
    impatient: RunningDragoman, endless: ScriptedUpstream
) -> None:
    began = time.monotonic()
    with Wire(impatient.url, room=ROOM) as wire:
        wire.send(call(impatient.admin_key, "endless", stream=True))
        assert eventually(lambda: endless.open_peers)
        assert eventually(lambda: not endless.open_peers)
        assert time.monotonic() > began + WRITE_S
        wire.rest()
        assert wire.was_reset


def test_a_caller_that_takes_a_little_is_served_and_costs_little(
    impatient: RunningDragoman, endless: ScriptedUpstream
) -> None:
    """1 KB/s, from an upstream that sends as fast as it can."""
    before = memory_bytes(impatient)
    port = urlsplit(impatient.url).port
    assert port is not None
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(impatient.url, room=ROOM)) for _ in range(STREAMS)]
        for wire in wires:
            wire.send(call(impatient.admin_key, "endless", stream=True))
        assert eventually(lambda: len(endless.open_peers) == STREAMS)
        deadline = time.monotonic() + 2.1 * WRITE_S
        while time.monotonic() < deadline:
            for wire in wires:
                assert wire.socket.recv(100)
            time.sleep(0.1)
        assert len(endless.open_peers) == STREAMS
        held = memory_bytes(impatient) - before
        unsent, unread = queued_bytes(port, endless.port)
    assert (held + unsent + unread) / STREAMS < 1_000_000
    assert eventually(lambda: not endless.open_peers)
