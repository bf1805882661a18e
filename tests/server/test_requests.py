"""Requests that are taken: their kinds, their order, and where the answers end."""

import socket
import threading
from itertools import pairwise

import pytest

from tests.background import in_background
from tests.cli.processes import eventually
from tests.faults.answers import LAST_CHUNK, STREAM
from tests.running import RunningDragoman
from tests.scripted_upstream import (
    Step,
    close,
    forever,
    read_request,
    reply,
    reset,
    send,
    serving,
    until,
)
from tests.server.upstreams import EMPTY, EVENT, untaken_bytes
from tests.server.wire import CHAT, Wire, call, register

ECHO = forever(
    read_request(),
    reply(lambda request: b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(request.body)),
    reply(lambda request: request.body),
)


def get(target: str, *lines: str, version: str = "1.1", method: str = "GET") -> bytes:
    head = [f"{method} {target} HTTP/{version}", "host: a", *lines, "", ""]
    return "\r\n".join(head).encode()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://elsewhere/healthz", 200),
        ("https://user:password@elsewhere/healthz?x", 200),
        ("http://elsewhere", 404),
        ("http://elsewhere?x", 404),
        ("//elsewhere/healthz", 404),
        ("*", 404),
        ("/%68ealthz", 200),
        ("/healthz?a#", 400),
        ("/%00%ff%2f..%2f", 404),
    ],
)
def test_targets(dragoman: RunningDragoman, target: str, status: int) -> None:
    with Wire(dragoman.url) as wire:
        answer = wire.send(get(target)).answer()
        assert answer.status == status
        assert answer.json


@pytest.mark.parametrize(
    "target", ["/healthz", "/readyz", "/nothing", CHAT, "/v1/models", "/v1/llms", "/api/v1/me"]
)
def test_an_answer_to_head_has_no_body(dragoman: RunningDragoman, target: str) -> None:
    key = f"authorization: Bearer {dragoman.admin_key}"
    with Wire(dragoman.url) as wire:
        wire.send(get(target, key, method="HEAD") + get("/healthz"))
        assert "json" in wire.answer("HEAD").headers["content-type"]
        assert wire.answer().json == {"status": "ok"}


@pytest.mark.parametrize("offer", ["h2c", "websocket", "TLS/1.0"])
@pytest.mark.parametrize("framing", ["content-length: {}", "transfer-encoding: chunked"])
def test_an_offer_of_another_protocol_is_not_taken(
    dragoman: RunningDragoman, offer: str, framing: str
) -> None:
    """Java's HTTP client makes it with the first request to each server, bodies included."""
    body = b'{"model":"nothing"}'
    head = get(
        CHAT,
        f"authorization: Bearer {dragoman.admin_key}",
        "content-type: application/json",
        "connection: Upgrade, HTTP2-Settings",
        f"upgrade: {offer}",
        "http2-settings: AAMAAABkAARAAAAAAAIAAAAA",
        framing.format(len(body)),
        method="POST",
    )
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if "chunked" in framing else body
    with Wire(dragoman.url) as wire:
        wire.send(head + sent + head, sent)
        for _ in range(2):
            answer = wire.answer()
            assert answer.status == 404
            assert "nothing" in answer.json["error"]["message"] or answer.json["error"]["code"]
        wire.send(get("/healthz", f"upgrade: {offer}", "connection: upgrade") + get("/healthz"))
        assert [wire.answer().status for _ in range(2)] == [200, 200]


def test_a_connection_carries_requests_until_its_caller_wants_no_more(
    dragoman: RunningDragoman,
) -> None:
    with Wire(dragoman.url) as wire:
        for _ in range(5):
            answer = wire.send(get("/healthz")).answer()
            assert "connection" not in answer.headers
        wire.send(get("/healthz", "connection: close") + get("/nothing"))
        (last,) = wire.answers()
        assert (last.status, last.headers["connection"]) == (200, "close")


def test_answers_come_in_the_order_of_the_requests(dragoman: RunningDragoman) -> None:
    targets = ["/healthz", "/nothing", "/readyz", "/v1/models"] * 5
    with Wire(dragoman.url) as wire:
        wire.send(b"".join(get(target) for target in targets))
        statuses = [wire.answer().status for _ in targets]
    assert statuses == [200, 404, 200, 401] * 5


def test_calls_that_are_sent_ahead_are_made_one_after_another(dragoman: RunningDragoman) -> None:
    with in_background(serving(ECHO)) as upstream, Wire(dragoman.url) as wire:
        register(dragoman, upstream, "echo")
        bodies = [call(dragoman.admin_key, "echo", user=f"{number}") for number in range(10)]
        wire.send(b"".join(bodies))
        users = [wire.answer().json["user"] for _ in bodies]
    assert users == [f"{number}" for number in range(10)]
    assert [b'"%d"' % n in request.body for n, request in enumerate(upstream.requests)] == [
        True
    ] * 10


def test_more_requests_ahead_than_can_wait_in_line_are_refused(dragoman: RunningDragoman) -> None:
    """Each takes a hundred times as much memory as its bytes."""
    is_full = threading.Event()
    ahead = b"GET /healthz HTTP/1.1\r\n\r\n" * 14_000
    script = [read_request(), until(is_full), send(EMPTY)]
    with in_background(serving(script)) as upstream, Wire(dragoman.url) as wire:
        register(dragoman, upstream, "slow")
        wire.send(call(dragoman.admin_key, "slow"))
        assert eventually(lambda: upstream.requests)
        wire.send(ahead)
        assert eventually(lambda: untaken_bytes(wire) < len(ahead) - 2048)  # which is 80 of them
        is_full.set()
        answers = wire.answers()
    assert answers[-1].status == 429
    assert {answer.status for answer in answers[:-1]} == {200}
    assert len(answers) == 66


class TestOldCallers:
    """HTTP/1.0 has no chunks: only the end of the connection says that an answer is whole."""

    def test_they_are_answered_once(self, dragoman: RunningDragoman) -> None:
        with Wire(dragoman.url) as wire:
            request = get("/healthz", "connection: keep-alive", version="1.0")
            (answer,) = wire.send(request + request).answers()
        assert answer.headers["connection"] == "close"

    def test_a_whole_stream_ends_in_good_order(self, dragoman: RunningDragoman) -> None:
        has_begun = threading.Event()
        script = [read_request(), send(STREAM + EVENT), until(has_begun), send(EVENT + LAST_CHUNK)]
        with in_background(serving(script)) as upstream, Wire(dragoman.url) as wire:
            register(dragoman, upstream, "whole stream")
            wire.send(call(dragoman.admin_key, "whole stream", stream=True, version="1.0"))
            head = wire.until(b"\r\n\r\n")
            assert wire.until(b"\n\n") == b"data: {}\n\n"
            has_begun.set()
            assert wire.rest() == b"data: {}\n\n"
        assert not wire.was_reset
        assert b"chunked" not in head
        assert b"content-length" not in head

    @pytest.mark.parametrize("cut", [reset(), close()], ids=["reset", "closed"])
    def test_a_cut_stream_ends_in_a_reset(self, dragoman: RunningDragoman, cut: Step) -> None:
        has_begun = threading.Event()
        script = [read_request(), send(STREAM + EVENT), until(has_begun), cut]
        with in_background(serving(script)) as upstream, Wire(dragoman.url) as wire:
            name = f"cut stream {id(cut)}"
            register(dragoman, upstream, name)
            wire.send(call(dragoman.admin_key, name, stream=True, version="1.0"))
            wire.until(b"data: {}\n\n")
            has_begun.set()
            wire.rest()
            assert wire.was_reset

    def test_nobody_is_told_to_continue(self, dragoman: RunningDragoman) -> None:
        request = call(dragoman.admin_key, "nothing", "expect: 100-continue", version="1.0")
        head, _, body = request.partition(b"\r\n\r\n")
        with Wire(dragoman.url) as wire:
            wire.send(head + b"\r\n\r\n", body, pause_s=0.1)
            assert [answer.status for answer in wire.answers()] == [404]


class TestExpectations:
    """RFC 9110, section 10.1.1."""

    def test_a_body_that_is_wanted_is_asked_for(self, dragoman: RunningDragoman) -> None:
        request = call(dragoman.admin_key, "nothing", "expect: 100-continue")
        head, _, body = request.partition(b"\r\n\r\n")
        with Wire(dragoman.url) as wire:
            wire.send(head + b"\r\n\r\n")
            assert wire.answer().status == 100
            wire.send(body)
            assert wire.answer().status == 404
            assert wire.send(get("/healthz")).answer().status == 200

    def test_a_body_that_is_there_is_not_asked_for(self, dragoman: RunningDragoman) -> None:
        with Wire(dragoman.url) as wire:
            wire.send(call(dragoman.admin_key, "nothing", "expect: 100-continue"))
            assert wire.answer().status == 404

    def test_a_body_that_is_not_wanted_is_not_asked_for(self, dragoman: RunningDragoman) -> None:
        head = get(CHAT, "content-length: 10", "expect: 100-continue", method="POST")
        with Wire(dragoman.url) as wire:
            (answer,) = wire.send(head).answers()
        assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_an_early_answer_reaches_a_caller_that_is_still_sending(dragoman: RunningDragoman) -> None:
    head = get(CHAT, "content-length: 20000000", method="POST")
    with Wire(dragoman.url) as wire:
        wire.send(head)
        for _ in range(20):
            wire.socket.sendall(b"x" * 100_000)  # fails if it is reset
        (answer,) = wire.answers()
    assert answer.status == 401


@pytest.mark.parametrize("framing", ["content-length: 40000000", "transfer-encoding: chunked"])
def test_a_body_that_is_too_large_is_taken_until_its_caller_reads_the_answer(
    dragoman: RunningDragoman, framing: str
) -> None:
    key = f"authorization: Bearer {dragoman.admin_key}"
    head = get("/v1/llms", key, "content-type: application/json", framing, method="POST")
    piece = b"x" * 65536
    sent = b"10000\r\n" + piece + b"\r\n" if "chunked" in framing else piece
    with Wire(dragoman.url) as wire:
        wire.send(head, *[sent] * 100)
        (answer,) = wire.answers()
    assert answer.status == 413
    assert not wire.was_reset


def test_the_end_of_a_chunked_answer_is_the_last_thing(dragoman: RunningDragoman) -> None:
    script = [read_request(), send(STREAM + EVENT * 3 + LAST_CHUNK)]
    with in_background(serving(script)) as upstream, Wire(dragoman.url) as wire:
        register(dragoman, upstream, "chunked stream")
        wire.send(call(dragoman.admin_key, "chunked stream", stream=True) + get("/healthz"))
        assert wire.answer().body == b"data: {}\n\n" * 3
        assert wire.answer().json == {"status": "ok"}
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.rest() == b""


def test_each_answer_has_an_id_of_its_own(dragoman: RunningDragoman) -> None:
    with Wire(dragoman.url) as wire:
        ids = [wire.send(get("/nothing")).answer().headers["x-request-id"] for _ in range(3)]
    assert all(one != another for one, another in pairwise(ids))
