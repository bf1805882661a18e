"""Everybody who can be called: listeners at every address, which note each connection."""

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tests.scripted_upstream import Request

HTTP, HTTPS, PROXY = 80, 443, 3128

REDIRECT = (
    b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/latest/\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
_SETTLED_WITHIN_S = 20

Answer = Callable[[Request], bytes]
"""What somebody says to a request."""


@dataclass
class Visit:
    """One connection, noted when it was accepted, whatever came of it."""

    address: str
    """The address that was called."""
    port: int
    caller: tuple[str, int]
    asked_of_proxy: str = ""
    sni: str | None = None
    host: str = ""
    authorization: str = ""
    """In lower case."""

    @property
    def place(self) -> tuple[str, int]:
        """Where it went."""
        return self.address, self.port


class World:
    """Listens at every address; TLS is spoken on the port of https, and behind a CONNECT."""

    def __init__(
        self,
        tls: ssl.SSLContext,
        others: Iterable[tuple[str, int]] = (),
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        """`answers` are those of hosts who are no LLMs."""
        self._answers = dict(answers or {})
        self._visits: list[Visit] = []
        self._tls = tls
        self._here = threading.local()
        tls.sni_callback = self._note_sni
        everywhere = [(address, port) for address in ("0.0.0.0", "::") for port in (HTTP, HTTPS)]  # noqa: S104
        self._listeners = [_listener(*place) for place in [*everywhere, *others]]
        for listener in self._listeners:
            threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def visits(self) -> list[Visit]:
        """Give all connections since the last time, without any that is still on its way."""
        marks = [self._mark(listener) for listener in self._listeners]
        deadline = time.monotonic() + _SETTLED_WITHIN_S
        while not set(marks) <= {visit.caller for visit in self._visits}:
            assert time.monotonic() < deadline, "a listener does not accept"
            time.sleep(0.001)
        visits, self._visits = self._visits, []
        return [visit for visit in visits if visit.caller not in marks]

    def _mark(self, listener: socket.socket) -> tuple[str, int]:
        """Connect to a listener: what it accepted before was on its way before."""
        address, port = listener.getsockname()[:2]
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104
        with socket.socket(listener.family) as mark:
            assert mark.connect_ex((here, port)) == 0
            caller: tuple[str, int] = mark.getsockname()[:2]
        return caller

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, peer = listener.accept()
            called = connection.getsockname()
            visit = Visit(address=called[0], port=called[1], caller=peer[:2])
            self._visits.append(visit)
            threading.Thread(target=self._serve, args=[connection, visit], daemon=True).start()

    def _serve(self, connection: socket.socket, visit: Visit) -> None:
        self._here.visit = visit
        connection.settimeout(_SETTLED_WITHIN_S)
        with suppress(OSError):  # hung up, a mark, or no TLS with us
            if visit.port == PROXY:
                visit.asked_of_proxy = _read_head(connection).decode()
                connection.sendall(_consent(visit.asked_of_proxy))
            if visit.port != HTTP:
                connection = self._tls.wrap_socket(connection, server_side=True)
            raw = _read_head(connection)
            head = raw.decode()
            lines = dict(line.partition(": ")[::2] for line in head.lower().split("\r\n")[1:])
            visit.host = lines["host"]
            visit.authorization = lines.get("authorization", "")
            body = _read_body(connection, int(lines.get("content-length", "0")))
            answer = self._answers.get(visit.host, _of_an_llm)
            connection.sendall(answer(Request(raw, body)))
        connection.close()

    def _note_sni(self, _: object, name: str | None, __: ssl.SSLContext) -> None:
        self._here.visit.sni = name


def _listener(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((address, port))
    listener.listen(128)
    return listener


def _read_head(connection: socket.socket) -> bytes:
    """Read up to the empty line, and not a byte of what follows it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionResetError
        head += byte
    return head


def _consent(asked: str) -> bytes:
    """Let through, or answer with the status that stands in the name that was asked for."""
    named = re.match(r"CONNECT status-([0-9]+)\.test:", asked)
    return b"HTTP/1.1 %s whatever\r\n\r\n" % (named[1].encode() if named else b"200")


def _read_body(connection: socket.socket, size: int) -> bytes:
    body = b""
    while len(body) < size:
        piece = connection.recv(size - len(body))
        if not piece:
            raise ConnectionResetError
        body += piece
    return body


def redirecting(_: Request) -> bytes:
    """Send whoever asks to a cloud's metadata."""
    return REDIRECT


def _of_an_llm(_: Request) -> bytes:
    body = json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "tiny",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "reached"},
                }
            ],
        }
    ).encode()
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(body), body)
    )
