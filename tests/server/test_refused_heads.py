"""What reaches us below HTTP's surface: heads without end, trailers, what is no HTTP."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.background import in_background
from tests.cli.processes import eventually
from tests.running import RunningDragoman
from tests.scripted_upstream import read_request, send, serving, until
from tests.server.upstreams import untaken_bytes
from tests.server.wire import Wire, call, register


def test_a_trailer_does_not_say_whose_request_it_is(dragoman: RunningDragoman) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n"
    head += b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    body = b"2\r\n{}\r\n0\r\nauthorization: Bearer %b\r\n\r\n" % dragoman.admin_key.encode()
    with Wire(dragoman.url) as wire:
        answer = wire.send(head + body).answer()
    assert answer.status == 401
    assert "Missing API key" in str(answer.json["error"])


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 40_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 40_000,
        b"GET /" + b"a" * 40_000,
    ],
    ids=["path", "value", "many lines", "value without end", "path without end"],
)
def test_a_head_over_32_kib_is_refused(dragoman: RunningDragoman, head: bytes) -> None:
    with Wire(dragoman.url) as wire:
        wire.send(*[head[at : at + 9000] for at in range(0, len(head), 9000)])
        (answer,) = wire.answers()
    assert answer.status == 431
    assert "too large" in str(answer.json["error"])


def test_a_head_under_32_kib_is_read(dragoman: RunningDragoman) -> None:
    head = b"GET /healthz HTTP/1.1\r\nx: " + b"a" * 32_000 + b"\r\n\r\n"
    with Wire(dragoman.url) as wire:
        answer = wire.send(head).answer()
    assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_a_large_body_behind_a_small_head_is_no_large_head(dragoman: RunningDragoman) -> None:
    with Wire(dragoman.url) as wire:
        answer = wire.send(call(dragoman.admin_key, "nothing", padding="x" * 200_000)).answer()
    assert answer.status == 404


def test_trailers_are_not_kept(dragoman: RunningDragoman) -> None:
    head = b"POST /v1/models HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
    with Wire(dragoman.url) as wire, suppress(ConnectionError):
        wire.send(head)
        for _ in range(5000):  # 30 MB, which kept apart line by line take 600
            wire.socket.sendall(b"a: b\r\n" * 1000)
    for pid in dragoman.worker_pids():
        status = Path(f"/proc/{pid}/status").read_text()
        assert int(status.split("VmHWM:")[1].split()[0]) < 200_000


def test_a_refusal_is_never_written_into_an_answer(dragoman: RunningDragoman) -> None:
    """The answer is half there when its caller sends what is no HTTP: that is said behind it."""
    half = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 600\r\n\r\nxxx"
    is_taken = threading.Event()
    script = [read_request(), send(half), until(is_taken), send(b"y" * 597)]
    with in_background(serving(script)) as upstream, Wire(dragoman.url) as wire:
        register(dragoman, upstream, "half")
        wire.send(call(dragoman.admin_key, "half")).until(b"\r\n\r\nxxx")
        wire.send(b"\0\0\0\r\n\r\n")
        assert eventually(lambda: not untaken_bytes(wire))
        is_taken.set()
        assert wire.until(b"y" * 597) == b"y" * 597
        (answer,) = wire.answers()
    assert answer.status == 400
