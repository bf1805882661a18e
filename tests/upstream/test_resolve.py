"""Looking names up: off the loop, bounded, and no name pays for another's dead name server."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from dragoman.domain.errors import Unavailable
from dragoman.upstream import resolve as resolve_module
from dragoman.upstream.resolve import SystemResolver
from tests.upstream.calling import eventually

HERE = ["127.0.0.1"]


class NameServers:
    """What a system's resolver finds in them; those of names with "dead" say nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.revived = threading.Event()

    def addresses(self, host: str, flags: int = 0) -> list[str]:
        if flags == socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        self.asked.append(host)
        if "dead" in host:
            self.revived.wait(60)
        if "unknown" in host:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return HERE


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServers]:
    servers = NameServers()
    monkeypatch.setattr(resolve_module, "_addresses", servers.addresses)
    yield servers
    servers.revived.set()


async def test_the_system_resolver_knows_this_machine() -> None:
    resolver = SystemResolver()
    assert "127.0.0.1" in await resolver("localhost")
    assert await resolver("::1") == ["::1"]


async def test_a_name_without_addresses() -> None:
    resolver = SystemResolver()
    with pytest.raises(UnicodeError):
        await resolver("a" * 64 + ".test")
    with pytest.raises(socket.gaierror):
        await resolver("1.2.3.4.5")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("::1", "::1"),
        ("::ffff:0:1", "::ffff:0.0.0.1"),
    ],
)
async def test_an_address_takes_no_room(host: str, address: str) -> None:
    resolver = SystemResolver(room=0)
    assert await resolver(host) == [address]
    with pytest.raises(Unavailable):
        await resolver("localhost")


async def test_callers_of_one_host_share_a_look_up(servers: NameServers) -> None:
    resolver = SystemResolver()
    calls = [asyncio.create_task(resolver("dead.test")) for _ in range(50)]
    await eventually(lambda: servers.asked)
    calls[0].cancel()
    servers.revived.set()
    assert await asyncio.gather(*calls[1:]) == [HERE] * 49
    assert servers.asked == ["dead.test"]


async def test_nothing_is_remembered_of_an_answer(servers: NameServers) -> None:
    resolver = SystemResolver()
    for _ in range(2):
        assert await resolver("model.test") == HERE
    assert servers.asked == ["model.test"] * 2


async def look_up_in_vain(resolver: SystemResolver, *hosts: str) -> None:
    """Begin look-ups, and go away before there is an answer."""
    for host in hosts:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver(host), 0.001)


async def test_as_many_as_there_is_room_for_are_stuck_and_no_other_name_waits(
    servers: NameServers,
) -> None:
    resolver = SystemResolver(room=100)
    await look_up_in_vain(resolver, *(f"dead{number}.test" for number in range(99)))
    for number in range(10):
        assert await asyncio.wait_for(resolver(f"lively{number}.test"), 20) == HERE


async def test_without_room_a_name_is_refused_at_once_and_not_kept_waiting(
    servers: NameServers,
) -> None:
    resolver = SystemResolver(room=3)
    await look_up_in_vain(resolver, "dead1.test", "dead2.test", "dead3.test")
    with pytest.raises(Unavailable, match="host names"):
        await resolver("lively.test")
    assert len(servers.asked) == 3
    servers.revived.set()
    for host in ("dead1.test", "dead2.test", "dead3.test", "lively.test"):
        assert await resolver(host) == HERE


async def test_names_that_were_answered_keep_room_of_their_own(servers: NameServers) -> None:
    resolver = SystemResolver(room=2)
    assert await resolver("model.test") == HERE
    await look_up_in_vain(resolver, "dead1.test", "dead2.test")
    for _ in range(2):
        assert await resolver("model.test") == HERE


async def test_a_name_that_has_become_dead_or_unknown_loses_that_room(
    servers: NameServers,
) -> None:
    resolver = SystemResolver(room=1)
    servers.revived.set()
    assert await resolver("dead-later.test") == HERE
    servers.revived.clear()
    await look_up_in_vain(resolver, "dead-later.test")
    assert list(resolver._answered) == []
    with pytest.raises(Unavailable):
        await resolver("unknown.test")
    servers.revived.set()
    await resolver("dead-later.test")
    with pytest.raises(socket.gaierror):
        await resolver("unknown.test")
    assert list(resolver._answered) == ["dead-later.test"]


async def test_the_names_that_are_remembered_are_bounded(
    servers: NameServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve_module, "REMEMBERED_NAMES", 2)
    resolver = SystemResolver()
    for host in ("a.test", "b.test", "a.test", "c.test"):
        await resolver(host)
    assert list(resolver._answered) == ["a.test", "c.test"]


async def test_without_another_thread_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver = SystemResolver()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(Unavailable, match="thread"):
            await resolver("localhost")
    assert "127.0.0.1" in await resolver("localhost")


STUCK = """
import asyncio, time
from dragoman.upstream import resolve

resolve._look_up = lambda *_: time.sleep(600)

async def main():
    try:
        await asyncio.wait_for(resolve.SystemResolver()("dead.test"), 0.01)
    except TimeoutError:
        print("given up")

asyncio.run(main())
"""


def test_a_look_up_that_is_stuck_does_not_keep_the_process_from_ending() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STUCK], timeout=60, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "given up\n", "")


LATE = """
import asyncio, threading
from dragoman.upstream import resolve

go = threading.Event()
look_up = resolve._look_up
resolve._look_up = lambda *details: go.wait() and look_up(*details)

async def main():
    try:
        await asyncio.wait_for(resolve.SystemResolver()("localhost"), 0.01)
    except TimeoutError:
        pass

asyncio.run(main())
go.set()
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
"""


def test_an_answer_that_comes_after_the_loop_has_ended_is_no_error() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LATE], timeout=60, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_link_local_address_keeps_its_zone() -> None:
    address = ("fe80::1", 0, 0, 7)
    assert resolve_module._text(socket.AF_INET6, address) == "fe80::1%7"
    assert resolve_module._text(socket.AF_INET6, ("::1", 0, 0, 0)) == "::1"
    assert resolve_module._text(socket.AF_INET, ("127.0.0.1", 0)) == "127.0.0.1"
