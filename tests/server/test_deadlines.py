"""No caller keeps a connection by being slow; one that is slow but steady keeps it."""

import os
import random
import selectors
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.background import in_background
from tests.cli.processes import eventually
from tests.running import RunningDragoman
from tests.scripted_upstream import read_request, send, serving, wait
from tests.server.malformed import MALFORMED
from tests.server.wire import CHAT, Answer, Wire, call, register

DEADLINE_S = 1.0
HANGS_S = 5.0
"""Whoever is not gone by then has no deadline: with each there are at most 0.5 s and a linger."""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    data_dir = tmp_path_factory.mktemp("hasty") / "data"
    settings = {f"caller_{name}_s": str(DEADLINE_S) for name in ("head", "body", "keep_alive")}
    with RunningDragoman.start(data_dir, workers=2, **settings) as dragoman:
        yield dragoman
        assert "request_failed" not in dragoman.log
        assert "raceback" not in dragoman.log


def drip(wire: Wire, data: bytes) -> int:
    """Send a byte each 0.1 s; gives the status that came when the deadline had passed, or 0."""
    began = time.monotonic()
    wire.socket.settimeout(0.1)
    for at in range(int(10 * HANGS_S)):
        try:
            wire.send(data[at : at + 1])
            head = wire.until(b"\r\n\r\n")
        except TimeoutError:
            continue
        except EOFError:
            return 0
        return int(head.split(b" ")[1]) if time.monotonic() > began + DEADLINE_S else 0
    return 0


HEALTH = b"GET /healthz HTTP/1.1\r\n\r\n"
BODY = b"POST /v1/llms HTTP/1.1\r\nauthorization: Bearer KEY\r\ncontent-length: 9000\r\n\r\n"
CHUNKS = BODY.replace(b"content-length: 9000", b"transfer-encoding: chunked")
LINES = b"x: y\r\n" * 100

SLOW = {
    "a head": (b"", b"GET / HTTP/1.1\r\n" + LINES),
    "empty lines before a head": (b"", b"\r\n" * 100),
    "a second head": (HEALTH, b"GET / HTTP/1.1\r\n" + LINES),
    "a second head that has begun": (HEALTH + b"G", b"ET / HTTP/1.1\r\n" + LINES),
    "a body": (BODY, b"x" * 500),
    "a body in chunks": (CHUNKS, b"1\r\nx\r\n" * 100),
    "an endless extension of a chunk": (CHUNKS + b"1;", b"a" * 500),
    "an endless trailer": (CHUNKS + b"0\r\n", LINES),
    "a body behind another request": (HEALTH + BODY, b"x" * 500),
}


class TestSlowCallers:
    def test_whatever_comes_a_byte_at_a_time_has_a_deadline(self, hasty: RunningDragoman) -> None:
        def late(case: str) -> tuple[int, bool]:
            before, dripped = (part.replace(b"KEY", key) for part in SLOW[case])
            with Wire(hasty.url) as wire:
                wire.send(before)
                if before.startswith(HEALTH):
                    wire.answer()
                return drip(wire, dripped), b"took too long" in wire.rest()

        key = hasty.admin_key.encode()
        with ThreadPoolExecutor(len(SLOW)) as callers:
            came = dict(zip(SLOW, callers.map(late, SLOW), strict=True))
        assert came == dict.fromkeys(SLOW, (408, True))

    @pytest.mark.parametrize("first", [b"", b"GET /healthz HTTP/1.1\r\n\r\n"], ids=["new", "used"])
    def test_silence_has_one(self, hasty: RunningDragoman, first: bytes) -> None:
        began = time.monotonic()
        with Wire(hasty.url) as wire:
            if first:
                began = time.monotonic()
                wire.send(first).answer()
            wire.socket.settimeout(HANGS_S)
            assert wire.ended()
            assert time.monotonic() > began + DEADLINE_S
            assert not wire.was_reset


class TestSteadyCallers:
    def test_a_large_body_that_comes_slowly_is_taken(self, hasty: RunningDragoman) -> None:
        """1 KiB earns a second, so these 15 pieces may take longer than the deadline allows."""
        request = call(hasty.admin_key, "nothing", padding="x" * 15_000)
        pieces = [request[at : at + 1000] for at in range(0, len(request), 1000)]
        with Wire(hasty.url) as wire:
            wire.send(*pieces, pause_s=0.1)
            assert wire.answer().status == 404

    def test_a_connection_may_be_used_for_longer_than_it_may_be_silent(
        self, hasty: RunningDragoman
    ) -> None:
        with Wire(hasty.url) as wire:
            for _ in range(6):
                assert wire.send(b"GET /healthz HTTP/1.1\r\n\r\n").answer().status == 200
                time.sleep(DEADLINE_S / 4)

    def test_an_answer_may_take_longer_than_any_deadline_of_the_caller(
        self, hasty: RunningDragoman
    ) -> None:
        script = [
            read_request(),
            wait(1.8),
            send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ]
        with in_background(serving(script)) as upstream, Wire(hasty.url) as wire:
            register(hasty, upstream, "thoughtful")
            assert wire.send(call(hasty.admin_key, "thoughtful")).answer().body == b"{}"


def test_garbage_always_ends_in_an_answer_or_a_close(hasty: RunningDragoman) -> None:
    """A thousand callers who send pieces of requests in any order, cut and overwritten anywhere."""
    seed = int.from_bytes(os.urandom(4))
    chance = random.Random(seed)
    parts = [
        *MALFORMED.values(),
        call(hasty.admin_key, "nothing"),
        b"GET /healthz HTTP/1.1\r\n\r\n",
        f"POST {CHAT} HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n".encode(),
    ]
    open_: dict[int, Wire] = {}
    with selectors.DefaultSelector() as selector:
        for number in range(1000):
            data = bytearray(b"".join(chance.choices(parts, k=chance.randint(1, 4))))
            for _ in range(chance.randint(0, 4)):
                at = chance.randrange(len(data))
                data[at : at + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 9))
            open_[number] = wire = Wire(hasty.url)
            wire.send(bytes(data))
            wire.socket.setblocking(False)
            selector.register(wire.socket, selectors.EVENT_READ, number)
        deadline = time.monotonic() + 15
        while open_ and time.monotonic() < deadline:
            for key, _ in selector.select(1):
                wire = open_[key.data]
                try:
                    ended = not wire.socket.recv(65536)
                except ConnectionError:
                    ended = True
                if ended:
                    selector.unregister(wire.socket)
                    open_.pop(key.data).socket.close()
    assert not open_, f"seed {seed}"
    assert eventually(lambda: len(hasty.worker_pids()) == 2)
    assert "worker_died" not in hasty.log, f"seed {seed}"
    assert "raceback" not in hasty.log, f"seed {seed}"


def test_more_callers_than_allowed_are_told_and_the_others_served(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data_dir = tmp_path_factory.mktemp("few") / "data"
    with RunningDragoman.start(data_dir, workers=2, caller_connections="5") as dragoman:
        wires = [Wire(dragoman.url) for _ in range(30)]
        told: list[tuple[Wire, Answer]] = []
        served: list[tuple[Wire, Answer]] = []
        for wire in wires:
            wire.send(b"GET /healthz HTTP/1.1\r\n\r\n")
            answer = wire.answer()
            (served if answer.status == 200 else told).append((wire, answer))
        assert 1 <= len(served) <= 10
        for wire, answer in told:
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["x-dragoman-fault"] == "operator"
            assert answer.json["error"]["type"] == "operator_error"
            assert wire.ended()
        for wire, _ in served:
            assert wire.send(b"GET /healthz HTTP/1.1\r\n\r\n").answer().status == 200
        for wire in wires:
            wire.socket.close()
        assert eventually(lambda: _is_served(dragoman))


def _is_served(dragoman: RunningDragoman) -> bool:
    with Wire(dragoman.url) as wire:
        return wire.send(b"GET /healthz HTTP/1.1\r\n\r\n").answer().status == 200
