"""What reaches us below HTTP's surface: heads without end, trailers, what is no HTTP."""

import json
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.background import in_background
from tests.running import RunningDragoman, registration
from tests.scripted_upstream import read_request, send, serving, wait


def _address(dragoman: RunningDragoman) -> tuple[str, int]:
    host, port = dragoman.url.removeprefix("http://").split(":")
    return host, int(port)


def exchanged(dragoman: RunningDragoman, *pieces: bytes) -> tuple[int, dict[str, object]]:
    """Send bytes on a connection of their own; gives status and JSON body of the answer."""
    with socket.create_connection(_address(dragoman), timeout=10) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except ConnectionError:
                break  # the answer is there already, and nobody reads on
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)


def test_a_trailer_does_not_say_whose_request_it_is(dragoman: RunningDragoman) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
    head += b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    body = b"2\r\n{}\r\n0\r\nauthorization: Bearer %b\r\n\r\n" % dragoman.admin_key.encode()
    status, answer = exchanged(dragoman, head + body)
    assert status == 401
    assert "Missing API key" in str(answer["error"])


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
    status, answer = exchanged(
        dragoman, *[head[at : at + 9000] for at in range(0, len(head), 9000)]
    )
    assert status == 431
    assert "too large" in str(answer["error"])


def test_a_head_under_32_kib_is_read(dragoman: RunningDragoman) -> None:
    head = b"GET /healthz HTTP/1.1\r\nconnection: close\r\nx: " + b"a" * 32_000 + b"\r\n\r\n"
    assert exchanged(dragoman, head) == (200, {"status": "ok"})


def test_a_large_body_behind_a_small_head_is_no_large_head(dragoman: RunningDragoman) -> None:
    key = dragoman.admin_key.encode()
    body = b'{"model":"nothing"}'.ljust(200_000)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
    head += b"authorization: Bearer %b\r\ncontent-type: application/json\r\n" % key
    status, _ = exchanged(dragoman, head + b"content-length: %d\r\n\r\n" % len(body) + body)
    assert status == 404


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
    ],
    ids=["no HTTP", "a folded line", "two lengths", "a length and chunks"],
)
def test_what_is_no_http_gets_json_too(dragoman: RunningDragoman, request_bytes: bytes) -> None:
    status, answer = exchanged(dragoman, request_bytes)
    assert status == 400
    assert "not a valid HTTP/1.1 request" in str(answer["error"])


def test_trailers_are_not_kept(dragoman: RunningDragoman) -> None:
    head = b"POST /v1/models HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
    with socket.create_connection(_address(dragoman), timeout=10) as connection:
        connection.sendall(head)
        with suppress(ConnectionError):
            for _ in range(5000):  # 30 MB, which kept apart line by line take 600
                connection.sendall(b"a: b\r\n" * 1000)
    for pid in dragoman.worker_pids():
        status = Path(f"/proc/{pid}/status").read_text()
        assert int(status.split("VmHWM:")[1].split()[0]) < 200_000


def test_a_refusal_is_never_written_into_an_answer(dragoman: RunningDragoman) -> None:
    """The answer is half there when its caller sends what is no HTTP: that is said behind it."""
    half = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 600\r\n\r\nxxx"
    call = b'{"model":"half"}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %b\r\n"
    head += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    with (
        in_background(serving(read_request(), send(half), wait(0.5), send(b"y" * 597))) as upstream,
        dragoman.client() as client,
        socket.create_connection(_address(dragoman), timeout=10) as connection,
    ):
        body = registration(f"{upstream.url}/v1/chat/completions", displayName="half")
        assert client.post("/v1/llms", json=body).status_code == 201
        connection.sendall(head % (dragoman.admin_key.encode(), len(call), call))
        received = b""
        while not received.endswith(b"xxx"):
            received += connection.recv(65536)
        connection.sendall(b"\0\0\0\r\n\r\n")
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                received += piece
    _, _, behind = received.partition(b"\r\n\r\nxxx" + b"y" * 597)
    assert behind.startswith(b"HTTP/1.1 400 ")
