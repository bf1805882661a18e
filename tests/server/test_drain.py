"""The end of a server: whole answers, then words, then nothing; and the death of one worker."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from tests.background import in_background
from tests.cli.processes import eventually
from tests.faults.answers import LAST_CHUNK, STREAM
from tests.running import RunningDragoman, registration
from tests.scripted_upstream import read_request, send, serving, until, until_hung_up
from tests.server.upstreams import (
    EMPTY,
    EVENT,
    attempts,
    complaints,
    flood,
    unreachable,
)
from tests.server.wire import Wire, call, register

HEALTH = b"GET /healthz HTTP/1.1\r\n\r\n"
DRAIN_S = 3.0
HANGS_S = 10.0
"""Whoever is not gone so long after the drain's deadline is waiting for something."""


def start(tmp_path: Path, drain_s: float = DRAIN_S) -> RunningDragoman:
    return RunningDragoman.start(tmp_path / "data", workers=2, drain_s=str(drain_s))


def is_closed(dragoman: RunningDragoman) -> bool:
    """Whether no process of the server listens any more."""
    try:
        Wire(dragoman.url).socket.close()
    except ConnectionRefusedError:
        return True
    except ConnectionError:
        pass
    return False


@contextmanager
def draining(dragoman: RunningDragoman, *, again: bool = False) -> Iterator[None]:
    """Ask the server to end, once or twice; its end comes behind the block."""
    assert dragoman.process is not None
    dragoman.process.send_signal(signal.SIGTERM)
    assert eventually(lambda: is_closed(dragoman))
    if again:
        dragoman.process.send_signal(signal.SIGTERM)
    yield
    assert dragoman.process.wait(DRAIN_S + HANGS_S) == 0
    assert complaints(dragoman) == []


def test_what_ends_in_time_ends_well_and_nobody_else_is_waited_for(tmp_path: Path) -> None:
    is_draining = threading.Event()
    plain = [read_request(), until(is_draining), send(EMPTY)]
    stream = [read_request(), send(STREAM + EVENT), until(is_draining), send(EVENT + LAST_CHUNK)]
    with (
        in_background(serving(plain)) as one,
        in_background(serving(stream)) as other,
        start(tmp_path) as dragoman,
        Wire(dragoman.url) as first,
        Wire(dragoman.url) as second,
        Wire(dragoman.url) as new,
        Wire(dragoman.url) as used,
    ):
        assert used.send(HEALTH).answer().status == 200  # those before it have been accepted
        register(dragoman, one, "plain")
        register(dragoman, other, "stream")
        first.send(call(dragoman.admin_key, "plain") + HEALTH)
        second.send(call(dragoman.admin_key, "stream", stream=True))
        assert eventually(lambda: one.requests and other.requests)
        with draining(dragoman, again=True):
            for idle in (new, used):
                assert idle.ended()
                assert not idle.was_reset
            is_draining.set()
            answer = first.answer()
            assert answer.body == b"{}"
            assert answer.headers["connection"] == "close"
            assert second.answer().body == b"data: {}\n\n" * 2
            assert first.ended()
            assert second.ended()


STREAMS = {
    "stuck": ([send(STREAM + EVENT), until_hung_up()], EVENT),
    "halfway": ([send(STREAM + b"6\r\ndata: \r\n"), until_hung_up()], b"6\r\ndata: \r\n"),
    "quiet": ([send(STREAM), until_hung_up()], b"\r\n\r\n"),
    "endless": ([flood()], b"data: "),
}
"""What the upstream does, and what its caller has when the end begins."""


def test_at_the_deadline_streams_end_with_a_word_and_nobody_is_waited_for(tmp_path: Path) -> None:
    wires: dict[str, Wire] = {}
    with start(tmp_path, drain_s=0.5) as dragoman, ExitStack() as stack:

        def wire_of(name: str) -> Wire:
            wires[name] = stack.enter_context(Wire(dragoman.url, room=4096))
            return wires[name]

        for name, (script, comes) in STREAMS.items():
            upstream = stack.enter_context(in_background(serving([read_request(), *script])))
            register(dragoman, upstream, name)
            wire_of(name).send(call(dragoman.admin_key, name, stream=True)).until(comes)

        silent = stack.enter_context(in_background(serving([read_request(), until_hung_up()])))
        register(dragoman, silent, "silent")
        wire_of("silent").send(call(dragoman.admin_key, "silent"))
        far = stack.enter_context(unreachable())
        register(dragoman, far, "far")
        wire_of("far").send(call(dragoman.admin_key, "far"))
        assert eventually(lambda: silent.requests and attempts(far.port))

        request = call(dragoman.admin_key, "silent", "expect: 100-continue")
        head, _, body = request.partition(b"\r\n\r\n")
        assert wire_of("uploading").send(head + b"\r\n\r\n").answer().status == 100
        wires["uploading"].send(body[:-3])

        with draining(dragoman):
            for name in ("silent", "far", "uploading"):
                answer = wires[name].answer()
                assert answer.status == 503, name
                assert answer.headers["connection"] == "close", name
                assert answer.json["error"]["type"] == "operator_error", name
            for name in ("stuck", "quiet"):
                events = wires[name].rest()
                assert events.count(b"data: ") == 1, name
                assert b'"operator_error"' in events, name
                assert b"[DONE]" not in events, name
                assert not events.endswith(LAST_CHUNK), name
            assert wires["halfway"].rest() == b""
            assert not wires["endless"].rest().endswith(LAST_CHUNK)


def test_pings_at_the_deadline_blame_nobody_but_us(tmp_path: Path) -> None:
    with (
        start(tmp_path, drain_s=0.5) as dragoman,
        in_background(serving([read_request(), until_hung_up()])) as silent,
        Wire(dragoman.url) as once,
        Wire(dragoman.url) as series,
        dragoman.client() as admin,
    ):
        url = f"{silent.url}/v1/chat/completions"
        made = admin.post("/anam/v1/llms", json=registration(url, displayName="silent"))
        body = json.dumps({"targetId": made.json()["id"], "timeoutMs": 60_000}).encode()
        for wire, path in ((once, "ping:once"), (series, "ping:stream")):
            head = f"POST /goodmem/v1/{path} HTTP/1.1\r\nx-api-key: {dragoman.admin_key}\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            wire.send(head.encode() + body)
        assert eventually(lambda: len(silent.requests) == 2)
        with draining(dragoman):
            answer = once.answer()
            assert (answer.status, answer.json["code"]) == (503, "UNAVAILABLE")
            told = series.answer()
            ended, last = (json.loads(line) for line in told.body.splitlines())
            assert ended["notice"]["code"] == "UNAVAILABLE"
            assert last["summary"]["requests"] == last["summary"]["errors"] == 0


def test_what_is_being_written_is_whole_or_not_there(tmp_path: Path) -> None:
    """Administrators go on writing while the server ends; then it is asked what it knows."""
    written: list[str] = []

    def write(number: int) -> None:
        for turn in count():
            name = f"written {number} {turn}"
            body = json.dumps(registration("http://127.0.0.1:9/", displayName=name)).encode()
            head = f"POST /v1/llms HTTP/1.1\r\nauthorization: Bearer {dragoman.admin_key}\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            try:
                with Wire(dragoman.url) as wire:
                    if wire.send(head.encode() + body).answer().status == 201:
                        written.append(name)
            except (OSError, EOFError):
                return

    with start(tmp_path) as dragoman:
        writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for writer in writers:
            writer.start()
        assert eventually(lambda: len(written) >= 20)
        with draining(dragoman):
            for writer in writers:
                writer.join()
        dragoman.launch()
        assert set(written) <= known_names(dragoman)
        assert dragoman.cli("doctor", "--json").returncode == 0


def known_names(dragoman: RunningDragoman) -> set[str]:
    """Page through all LLMs there are."""
    names: set[str] = set()
    with dragoman.client() as client:
        for page in count(1):
            llms = client.get(f"/v1/llms?perPage=100&page={page}").json()["data"]
            if not llms:
                break
            names |= {llm["displayName"] for llm in llms}
    return names


def test_a_worker_that_is_killed_is_replaced_and_the_other_serves_on(tmp_path: Path) -> None:
    with start(tmp_path) as dragoman:
        before = dragoman.worker_pids()
        os.kill(before[0], signal.SIGKILL)
        for _ in range(20):
            with Wire(dragoman.url) as wire:
                assert wire.send(HEALTH).answer().status == 200
        assert eventually(lambda: len(set(dragoman.worker_pids()) - set(before)) == 1)
        assert before[1] in dragoman.worker_pids()
        assert complaints(dragoman).count("worker_died") == 1
