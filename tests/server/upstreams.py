"""What upstreams do to callers who leave or do not read; and what that costs the server."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.faults.answers import STREAM, chunk, plain
from tests.running import RunningDragoman
from tests.scripted_upstream import Peer, Script, ScriptedUpstream, Step, forever, read_request
from tests.server.wire import Wire

EVENT = chunk(b"data: {}\n\n")
EMPTY = plain(b"{}")

_FLOOD = chunk(b"data: " + b"x" * (65536 - 8) + b"\n\n")


def flood() -> Step:
    """Send an endless stream, as fast as it is taken."""

    async def step(peer: Peer) -> None:
        peer.write(STREAM)
        while not peer.gone.is_set():
            if peer.transport.get_write_buffer_size() < 4 * len(_FLOOD):
                peer.write(_FLOOD)
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(0.005)

    return step


def unless_quick(*steps: Step) -> Script:
    """Answer calls of the user `quick` at once, and do something else with all others."""

    async def step(peer: Peer) -> None:
        if json.loads(peer.requests[-1].body).get("user") == "quick":
            peer.write(EMPTY)
            return
        for inner in steps:
            await inner(peer)

    return (forever(read_request(), step),)


def descriptors(dragoman: RunningDragoman) -> list[int]:
    """Count what each worker has open."""
    return [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in dragoman.worker_pids()]


def threads(dragoman: RunningDragoman) -> list[int]:
    """Count each worker's threads."""
    return [len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in dragoman.worker_pids()]


def memory_bytes(dragoman: RunningDragoman) -> int:
    """Measure what the workers have taken, shared pages divided among those who share them."""
    pages = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in dragoman.worker_pids()]
    return sum(int(page.split("Pss:")[1].split()[0]) * 1024 for page in pages)


class Socket(NamedTuple):
    """One TCP socket of this machine, as the kernel lists it."""

    port: int
    peers_port: int
    state: int
    unsent_bytes: int
    unread_bytes: int


ESTABLISHED, SYN_SENT, CLOSE_WAIT = 1, 2, 8


def sockets() -> list[Socket]:
    """List the TCP sockets of this machine."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        numbers = local.split(":")[1], remote.split(":")[1], state, *queues.split(":")
        found.append(Socket(*(int(number, 16) for number in numbers)))
    return found


def callers(dragoman: RunningDragoman) -> int:
    """Count the callers that are connected, or have closed their side and are not let go of."""
    port = urlsplit(dragoman.url).port
    held = {ESTABLISHED, CLOSE_WAIT}
    return sum(sock.port == port and sock.state in held for sock in sockets())


def attempts(upstreams_port: int) -> int:
    """Count the attempts to connect to a port that nobody has answered."""
    return sum(sock.peers_port == upstreams_port and sock.state == SYN_SENT for sock in sockets())


@contextmanager
def unreachable() -> Iterator[ScriptedUpstream]:
    """Give an upstream that answers no attempt to connect: its listener's queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address):
            upstream = ScriptedUpstream([], encrypted=False)
            upstream.port = address[1]
            yield upstream


def queued_bytes(callers_port: int, upstreams_port: int) -> tuple[int, int]:
    """Measure what the kernel holds for the server: to its callers, and from its upstreams."""
    listed = sockets()
    unsent = sum(sock.unsent_bytes for sock in listed if sock.port == callers_port)
    unread = sum(sock.unread_bytes for sock in listed if sock.peers_port == upstreams_port)
    return unsent, unread


def untaken_bytes(wire: Wire) -> int:
    """Measure what a caller has sent and the server has not read."""
    port = wire.socket.getsockname()[1]
    listed = sockets()
    unsent = sum(sock.unsent_bytes for sock in listed if sock.port == port)
    return unsent + sum(sock.unread_bytes for sock in listed if sock.peers_port == port)


def complaints(dragoman: RunningDragoman) -> list[str]:
    """List what was logged as a warning, or worse."""
    events = [json.loads(line) for line in dragoman.log.splitlines()]
    return [event["event"] for event in events if event["level"] in {"warning", "error"}]
