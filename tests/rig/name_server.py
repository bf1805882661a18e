"""A name server that answers what a test wants, or nothing, and notes what it was asked."""

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, ip_address

ADDRESS = "127.0.0.53"
PORT = 53

Answers = Sequence[str] | Callable[[int], Sequence[str]]
"""A name's addresses; or what they are when so many queries of one type came before."""

_TYPE_A = 1
_TYPE_AAAA = 28
_VERSIONS = {_TYPE_A: 4, _TYPE_AAAA: 6}
_UDP_BYTES = 512
_ANSWER, _TRUNCATED, _NO_SUCH_NAME = 0x8580, 0x0200, 3


class NameServer:
    """Serves a zone over UDP and TCP; to a name whose addresses are None it says nothing."""

    def __init__(self, zone: dict[str, Answers | None]) -> None:
        self.queries: list[tuple[str, int]] = []
        """Each name that was asked for, with 4 or 6 for the kind of address."""
        self._zone = zone
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socket.create_server((ADDRESS, PORT))
        self._udp.bind((ADDRESS, PORT))
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def _serve_udp(self) -> None:
        while True:
            query, peer = self._udp.recvfrom(65536)
            answer = self._answer(query)
            if answer is None:
                continue
            if len(answer) > _UDP_BYTES:
                answer = _message(query, flags=_ANSWER | _TRUNCATED)
                self.queries.pop()  # the client comes again over TCP
            self._udp.sendto(answer, peer)

    def _serve_tcp(self) -> None:
        while True:
            with self._tcp.accept()[0] as connection, connection.makefile("rwb") as stream:
                while length := stream.read(2):  # a client may ask for both kinds on one
                    answer = self._answer(stream.read(int.from_bytes(length, "big")))
                    if answer is None:
                        continue
                    stream.write(struct.pack(">H", len(answer)) + answer)
                    stream.flush()

    def _answer(self, query: bytes) -> bytes | None:
        name, kind = _question(query)
        version = _VERSIONS.get(kind, 0)
        before = self.queries.count((name, version))
        self.queries.append((name, version))
        if name not in self._zone:
            return _message(query, flags=_ANSWER | _NO_SUCH_NAME)
        answers = self._zone[name]
        if answers is None:
            return None
        found = answers(before) if callable(answers) else answers
        return _message(query, [text for text in found if ip_address(text).version == version])


def _question(query: bytes) -> tuple[str, int]:
    """Read the name that a query asks for, and the type of record."""
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += 1 + size
    (kind,) = struct.unpack_from(">H", query, at + 1)
    return ".".join(labels).lower(), kind


def _message(query: bytes, addresses: Sequence[str] = (), *, flags: int = _ANSWER) -> bytes:
    """Write an answer to a query; nothing in it may be kept for later."""
    end = query.index(b"\x00", 12) + 5
    message = query[:2] + struct.pack(">HHHHH", flags, 1, len(addresses), 0, 0) + query[12:end]
    for text in addresses:
        address = ip_address(text)
        kind = _TYPE_A if isinstance(address, IPv4Address) else _TYPE_AAAA
        message += struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(address.packed)) + address.packed
    return message
