"""A caller who says exactly which bytes, and looks at every byte that comes back."""

import json
import re
import socket
import struct
import time
from typing import Any, NamedTuple, Self

from tests.running import RunningDragoman, registration
from tests.scripted_upstream import ScriptedUpstream

PATIENCE_S = 20.0
CHAT = "/v1/chat/completions"


class Answer(NamedTuple):
    """One answer, as HTTP/1.1 says where it ends."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection to a server; `room` bounds what is received ahead of being read [bytes]."""

    def __init__(self, url: str, room: int | None = None) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.socket = socket.socket()
        if room is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.settimeout(PATIENCE_S)
        try:
            self.socket.connect((host, int(port)))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.was_reset = False
        self.status = 0
        self._received = b""

    def send(self, *pieces: bytes, pause_s: float = 0) -> Self:
        """Send pieces one after another, as long as anybody takes them."""
        for piece in pieces:
            try:
                self.socket.sendall(piece)
            except ConnectionError:
                break
            time.sleep(pause_s)
        return self

    def until(self, end: bytes) -> bytes:
        """Receive until something has come, and give it all up to there."""
        while end not in self._received:
            self._receive()
        before, _, self._received = self._received.partition(end)
        return before + end

    def rest(self) -> bytes:
        """Receive all that comes until the connection ends."""
        try:
            while True:
                self._receive()
        except EOFError:
            return self._received

    def answer(self, method: str = "GET") -> Answer:
        """Receive the next answer; raises EOFError where the connection ends within it."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = dict(re.split(": ?", line, maxsplit=1) for line in lines[1:] if line)
        if method == "HEAD" or status < 200:
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.until(b"\r\n"), 16):
                body += self._take(size)
                assert self._take(2) == b"\r\n"
            assert self._take(2) == b"\r\n"
            return Answer(status, headers, body)
        return Answer(status, headers, self._take(int(headers["content-length"])))

    def answers(self) -> list[Answer]:
        """Receive answers until the connection ends in good order behind one."""
        found = []
        while not self.ended():
            found.append(self.answer())
        return found

    def ended(self) -> bool:
        """Wait for what comes next: whether that is the connection's end."""
        try:
            if not self._received:
                self._receive()
        except EOFError:
            return True
        return False

    def reset(self) -> None:
        """Break the connection, as the kernel does for a program that was killed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _receive(self) -> None:
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            self.was_reset = True
            raise EOFError from None
        if not piece:
            raise EOFError
        self._received += piece

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def call(key: str, model: str, *lines: str, version: str = "1.1", **members: object) -> bytes:
    """Write a call to an LLM, with further header lines."""
    body = json.dumps({"model": model, "messages": []} | members).encode()
    head = [
        f"POST {CHAT} HTTP/{version}",
        "host: dragoman",
        f"authorization: Bearer {key}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *lines,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def register(dragoman: RunningDragoman, upstream: ScriptedUpstream, name: str) -> None:
    """Have an upstream known as an LLM of that name."""
    body = registration(f"{upstream.url}{CHAT}", displayName=name)
    with dragoman.client() as client:
        answer = client.post("/v1/llms", json=body)
        assert answer.status_code == 201, answer.text
