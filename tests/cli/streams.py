"""An upstream that streams half of an answer, and the other half when the test says so."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.background import in_background
from tests.cli.processes import HANG_S
from tests.running import RunningDragoman, registration
from tests.scripted_upstream import Peer, Step, read_request, send, serving

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    b"connection: close\r\n\r\n"
)
FIRST_HALF = ["data: 1", "data: 2"]
SECOND_HALF = ["data: 3", "data: [DONE]"]


@contextmanager
def half_stream(server: RunningDragoman) -> Iterator["HalfStream"]:
    """Register such an upstream, call it, and begin the block when the first half has come."""
    go_on = threading.Event()
    steps = [read_request(), send(HEAD), *_events(FIRST_HALF)]
    steps += [_until(go_on), *_events(SECOND_HALF), send(b"0\r\n\r\n")]
    body: dict[str, Any] = {"model": "my-llm", "stream": True, "messages": []}
    with in_background(serving(*steps)) as upstream, server.client() as client:
        made = client.post("/anam/v1/llms", json=registration(f"{upstream.url}/v1/stream"))
        assert made.status_code == 201, made.text
        with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            lines = (line for line in answer.iter_lines() if line)
            assert [next(lines), next(lines)] == FIRST_HALF
            try:
                yield HalfStream(lines, go_on)
            finally:
                go_on.set()


class HalfStream:
    """A stream that has come to its middle."""

    def __init__(self, lines: Iterator[str], go_on: threading.Event) -> None:
        self._lines = lines
        self._go_on = go_on

    def second_half(self) -> list[str]:
        """Let the upstream go on, and read what comes to the end."""
        self._go_on.set()
        return list(self._lines)

    def is_cut(self) -> bool:
        """Wait for the end, without the second half; True if it does not look like one."""
        try:
            rest = list(self._lines)
        except httpx2.RemoteProtocolError:
            return True
        raise AssertionError(f"the stream ended as if it were whole: {rest}")


def _events(lines: list[str]) -> list[Step]:
    return [send(b"%x\r\n%s\n\n\r\n" % (len(line) + 2, line.encode())) for line in lines]


def _until(go_on: threading.Event) -> Step:
    async def step(_: Peer) -> None:
        await asyncio.to_thread(go_on.wait, HANG_S)

    return step
