"""The end of a server: whole answers, then words, then nothing; and the death of one worker."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.background import in_background
from tests.cli.processes import eventually
from tests.running import RunningDragoman, registration
from tests.scripted_upstream import read_request, send, serving, until_hung_up, wait
from tests.server.upstreams import EMPTY, END, EVENT, EVENTS, complaints, flood
from tests.server.wire import Wire, call, register

HEALTH = b"GET /healthz HTTP/1.1\r\n\r\n"
DRAIN_S = 1.0


@contextmanager
def draining(dragoman: RunningDragoman, *, again: bool = False) -> Iterator[None]:
    """Ask the server to end, once or twice; its end comes behind the block."""
    assert dragoman.process is not None
    dragoman.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    if again:
        dragoman.process.send_signal(signal.SIGTERM)
    yield
    assert dragoman.process.wait(DRAIN_S + 8) == 0
    assert complaints(dragoman) == []


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give all tests one installation, which each starts anew."""
    return tmp_path_factory.mktemp("draining") / "data"


def start(data_dir: Path, **settings: str) -> RunningDragoman:
    return RunningDragoman.start(data_dir, workers=2, drain_s=str(DRAIN_S), **settings)


def test_what_ends_in_time_ends_well_and_nobody_else_is_waited_for(data_dir: Path) -> None:
    plain = [read_request(), wait(0.6), send(EMPTY)]
    stream = [read_request(), send(EVENTS + EVENT), wait(0.6), send(EVENT + END)]
    with (
        in_background(serving(plain)) as one,
        in_background(serving(stream)) as other,
        start(data_dir) as dragoman,
        Wire(dragoman.url) as first,
        Wire(dragoman.url) as second,
        Wire(dragoman.url) as new,
        Wire(dragoman.url) as used,
    ):
        assert used.send(HEALTH).answer().status == 200
        register(dragoman, one, "plain")
        register(dragoman, other, "stream")
        first.send(call(dragoman.admin_key, "plain") + HEALTH)
        second.send(call(dragoman.admin_key, "stream", stream=True))
        assert eventually(lambda: one.requests and other.requests)
        with draining(dragoman, again=True):
            for idle in (new, used):
                assert idle.ended()
                assert not idle.was_reset
            with pytest.raises(ConnectionRefusedError):
                Wire(dragoman.url)
            answer = first.answer()
            assert answer.body == b"{}"
            assert answer.headers["connection"] == "close"
            assert second.answer().body == b"data: {}\n\n" * 2
            assert first.ended()
            assert second.ended()


def test_at_the_deadline_streams_end_with_a_word_and_nobody_is_waited_for(data_dir: Path) -> None:
    stuck = [read_request(), send(EVENTS + EVENT), until_hung_up()]
    halfway = [read_request(), send(EVENTS + b"6\r\ndata: \r\n"), until_hung_up()]
    silent = [read_request(), until_hung_up()]
    scripts = {"stuck": stuck, "halfway": halfway, "silent": silent}
    scripts["endless"] = [read_request(), flood()]
    with start(data_dir) as dragoman, ExitStack() as stack:
        wires: dict[str, Wire] = {}
        for name, script in scripts.items():
            upstream = stack.enter_context(in_background(serving(script)))
            register(dragoman, upstream, name)
            wires[name] = stack.enter_context(Wire(dragoman.url, room=4096))
            wires[name].send(call(dragoman.admin_key, name, stream=True))
        uploading = stack.enter_context(Wire(dragoman.url))
        time.sleep(0.3)
        uploading.send(call(dragoman.admin_key, "stuck")[:-3])
        with draining(dragoman):
            answer = wires["silent"].answer()
            assert answer.status == 503
            assert answer.json["error"]["type"] == "operator_error"
            received = wires["stuck"].rest()
            events = received.partition(b"\r\n\r\n")[2]
            assert events.count(b"data: ") == 2
            assert b'"operator_error"' in events
            assert b"[DONE]" not in events
            assert not events.endswith(END)
            assert wires["halfway"].rest().endswith(b"\r\n\r\n6\r\ndata: \r\n")


def test_what_is_being_written_is_whole_or_not_there(data_dir: Path) -> None:
    """Administrators go on writing while the server ends; then it is asked what it knows."""
    written: list[str] = []

    def write(number: int) -> None:
        for count in range(1000):
            name = f"written {number} {count}"
            body = json.dumps(registration("http://127.0.0.1:9/", displayName=name)).encode()
            head = f"POST /v1/llms HTTP/1.1\r\nauthorization: Bearer {dragoman.admin_key}\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            try:
                with Wire(dragoman.url) as wire:
                    if wire.send(head.encode() + body).answer().status == 201:
                        written.append(name)
            except (OSError, EOFError):
                return

    with start(data_dir) as dragoman:
        writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(0.3)
        with draining(dragoman):
            for writer in writers:
                writer.join()
        dragoman.launch()
        with dragoman.client() as client:
            answers = [client.get(f"/v1/llms?perPage=100&page={page}") for page in range(1, 9)]
            known = {llm["displayName"] for page in answers for llm in page.json()["data"]}
        assert written
        assert set(written) <= known
        assert dragoman.cli("doctor", "--json").returncode == 0


def test_a_worker_that_is_killed_is_replaced_and_the_other_serves_on(data_dir: Path) -> None:
    with start(data_dir) as dragoman:
        before = dragoman.worker_pids()
        os.kill(before[0], signal.SIGKILL)
        for _ in range(20):
            with Wire(dragoman.url) as wire:
                assert wire.send(HEALTH).answer().status == 200
        assert eventually(lambda: len(set(dragoman.worker_pids()) - set(before)) == 1)
        assert before[1] in dragoman.worker_pids()
        assert complaints(dragoman).count("worker_died") == 1
