"""Sockets run out for nobody: new work is refused before, and what is under way goes on."""

import resource
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from dragoman.app import descriptors
from dragoman.settings import Settings
from tests.background import in_background
from tests.cli.processes import eventually
from tests.faults.answers import STREAM
from tests.running import RunningDragoman
from tests.scripted_upstream import send, serving, until_hung_up
from tests.server.upstreams import EVENT, complaints, unless_quick
from tests.server.wire import Wire, call, register

SOFT, HARD = 256, 400
SHARE = (HARD - descriptors.KEPT) // 2
LIMITED = ("sh", "-c", f'ulimit -Sn {SOFT} && ulimit -Hn {HARD} && exec "$@"', "sh")
HEALTH = b"GET /healthz HTTP/1.1\r\n\r\n"


def test_more_streams_than_sockets(tmp_path: Path) -> None:
    script = unless_quick(send(STREAM + EVENT), until_hung_up())
    with (
        in_background(serving(*script)) as upstream,
        RunningDragoman.start(tmp_path / "data", through=LIMITED) as dragoman,
        ExitStack() as stack,
    ):
        (worker,) = dragoman.worker_pids()
        assert resource.prlimit(worker, resource.RLIMIT_NOFILE) == (HARD, HARD)
        register(dragoman, upstream, "endless")
        wires = [stack.enter_context(Wire(dragoman.url)) for _ in range(SHARE + 40)]
        request = call(dragoman.admin_key, "endless", stream=True)
        heads = [wire.send(request).until(b"\r\n\r\n") for wire in wires]
        served = [wire for wire, head in zip(wires, heads, strict=True) if b" 200 " in head]
        refused = [head for head in heads if b" 503 " in head]
        assert (len(served), len(refused)) == (SHARE, 40)
        assert all(b"retry-after: 1\r\n" in head for head in refused)
        assert len(upstream.open_peers) == SHARE

        for _ in range(2 * HARD):  # many more than are told: they are let go of at once
            with suppress(ConnectionError):
                stack.enter_context(Wire(dragoman.url)).send(HEALTH)
        for wire in served:
            wire.until(EVENT)
            wire.socket.setblocking(False)
            with pytest.raises(BlockingIOError):  # it goes on
                wire.socket.recv(1)
        assert complaints(dragoman) == []

        stack.close()
        assert eventually(lambda: not upstream.open_peers)
        for _ in range(SHARE + 40):
            with Wire(dragoman.url) as wire:
                quick = call(dragoman.admin_key, "endless", user="quick")
                assert wire.send(quick).answer().body == b"{}"


def shared(limit: int, **settings: int) -> descriptors.Share:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        return descriptors.share(Settings(**settings))  # type: ignore[arg-type]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_callers_have_what_is_set_or_half_of_what_there_is() -> None:
    assert shared(1000) == ((1000 - descriptors.KEPT) // 2,) * 2
    assert shared(1000, caller_connections=10) == (10, 1000 - descriptors.KEPT - 10)
    assert shared(100) == (1, 1)
