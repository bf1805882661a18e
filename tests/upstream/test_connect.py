"""Opening connections: every address is judged, and the one that passed is the one called."""

import asyncio
import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from dragoman.domain.errors import EgressRefused, Unavailable, UpstreamUnreachable
from dragoman.domain.ports import UpstreamRequest
from dragoman.upstream import resolve as resolve_module
from dragoman.upstream.egress import SETTING, EgressPolicy, parse_networks
from dragoman.upstream.pool import HttpPool
from dragoman.upstream.ranges import IPAddress
from dragoman.upstream.resolve import Resolve, SystemResolver
from tests.scripted_upstream import (
    Script,
    ScriptedUpstream,
    close,
    forever,
    read_request,
    reply,
    send,
    serving,
)
from tests.upstream.calling import (
    LOOPBACK,
    PATIENT,
    MakePool,
    answer,
    ask,
    eventually,
    idle,
    request_to,
)

ECHO: Script = (forever(read_request(), reply(lambda request: answer(request.body))),)


def to_host(
    upstream: ScriptedUpstream, host: str, *, carries_credential: bool = False
) -> UpstreamRequest:
    request = request_to(upstream, carries_credential=carries_credential)
    return msgspec.structs.replace(request, origin=request.origin._replace(host=host))


def answering(*answers: list[str]) -> Resolve:
    """Resolve any name to one answer after the other."""
    left = list(answers)

    async def resolve(_: str) -> list[str]:
        return left.pop(0)

    return resolve


async def test_the_address_that_was_judged_is_the_one_called_and_the_name_is_kept(
    make_pool: MakePool,
) -> None:
    pool = make_pool(resolve=answering(["127.0.0.1"]))
    async with serving(*ECHO) as upstream:
        assert await ask(pool, to_host(upstream, "model.test")) == b"{}"
        assert upstream.requests[0].header("host") == b"model.test:%d" % upstream.port


async def test_the_name_is_not_resolved_a_second_time(make_pool: MakePool) -> None:
    # `localhost` would lead to the upstream; the address that was judged does not.
    policy = EgressPolicy(parse_networks("127.0.0.0/8"))
    pool = make_pool(policy=policy, resolve=answering(["127.0.0.2"]))
    async with serving(*ECHO) as upstream:
        with pytest.raises(UpstreamUnreachable):
            await ask(pool, to_host(upstream, "localhost"))
        assert upstream.peers == []


async def test_refused_addresses_of_an_answer_are_skipped() -> None:
    pool = HttpPool(
        LOOPBACK, resolve=answering(["10.0.0.1", "::1", "169.254.169.254", "127.0.0.1"])
    )
    async with serving(*ECHO) as upstream:
        assert await ask(pool, to_host(upstream, "model.test")) == b"{}"


async def test_a_name_whose_addresses_are_all_refused_is_not_called(make_pool: MakePool) -> None:
    pool = make_pool(policy=EgressPolicy(), resolve=answering(["127.0.0.1", "::1"]))
    async with serving(*ECHO) as upstream:
        with pytest.raises(EgressRefused, match=f"127.0.0.1 is a loopback .* {SETTING}"):
            await ask(pool, to_host(upstream, "model.test"))
        assert upstream.peers == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
async def test_a_literal_address_is_judged_like_any_other(host: str, make_pool: MakePool) -> None:
    pool = make_pool(policy=EgressPolicy())
    async with serving(*ECHO) as upstream:
        with pytest.raises(EgressRefused):
            await ask(pool, to_host(upstream, host))
        assert upstream.peers == []


async def test_every_connection_is_judged_anew(make_pool: MakePool) -> None:
    pool = make_pool(resolve=answering(["127.0.0.1"], ["169.254.169.254"]))
    async with serving(read_request(), send(answer(b"1")), close()) as upstream:
        assert await ask(pool, to_host(upstream, "rebinding.test")) == b"1"
        await eventually(lambda: not idle(pool))
        with pytest.raises(EgressRefused, match="metadata"):
            await ask(pool, to_host(upstream, "rebinding.test"))


class PublicLoopback(EgressPolicy):
    """Takes loopback for a public address: callable, and not listed by the operator."""

    def address_refusal(
        self, address: IPAddress, *, plain_http_with_credential: bool
    ) -> str | None:
        assert address.is_loopback
        return "not in the clear" if plain_http_with_credential else None


async def test_a_credential_goes_over_no_connection_that_was_opened_without_one(
    make_pool: MakePool,
) -> None:
    pool = make_pool(policy=PublicLoopback())
    async with serving(*ECHO) as upstream:
        assert await ask(pool, request_to(upstream)) == b"{}"
        assert idle(pool) == 1
        with pytest.raises(EgressRefused, match="not in the clear"):
            await ask(pool, request_to(upstream, carries_credential=True))
        assert len(upstream.requests) == 1


async def test_a_credential_may_go_in_the_clear_to_an_address_that_is_listed(
    make_pool: MakePool,
) -> None:
    pool = make_pool()
    async with serving(*ECHO) as upstream:
        assert await ask(pool, request_to(upstream, carries_credential=True)) == b"{}"


async def test_an_address_that_refuses_is_followed_by_the_next(make_pool: MakePool) -> None:
    policy = EgressPolicy(parse_networks("127.0.0.0/8"))
    pool = make_pool(policy=policy, resolve=answering(["127.0.0.2", "127.0.0.1"]))
    async with serving(*ECHO) as upstream:
        assert await ask(pool, to_host(upstream, "model.test")) == b"{}"


@contextmanager
def dead_address(address: str, port: int) -> Iterator[None]:
    """Make an address swallow what is sent to it: its queue of connections is full."""
    with socket.socket() as listener:
        listener.bind((address, port))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex((address, port))
        yield
        for filler in fillers:
            filler.close()


async def test_a_dead_address_costs_only_its_share_of_the_time(make_pool: MakePool) -> None:
    policy = EgressPolicy(parse_networks("127.0.0.0/8"))
    pool = make_pool(policy=policy, resolve=answering(["127.0.0.2", "127.0.0.1"]))
    async with serving(*ECHO) as upstream:
        with dead_address("127.0.0.2", upstream.port):
            request = to_host(upstream, "model.test")
            hasty = msgspec.structs.replace(PATIENT, connect_s=1)
            request = msgspec.structs.replace(request, deadlines=hasty)
            assert await ask(pool, request) == b"{}"


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a" * 64 + ".test", "1.2.3.4.5"])
async def test_a_host_that_does_not_resolve(host: str, make_pool: MakePool) -> None:
    pool = make_pool()
    async with serving(*ECHO) as upstream:
        with pytest.raises(UpstreamUnreachable, match="does not resolve"):
            await ask(pool, to_host(upstream, host))


async def test_no_file_descriptor_is_left(pool: HttpPool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(pool._connector, "_connect", refuse)
    async with serving(*ECHO) as upstream:
        with pytest.raises(Unavailable):
            await ask(pool, request_to(upstream))


async def test_the_system_resolver_knows_this_machine() -> None:
    resolver = SystemResolver()
    assert "127.0.0.1" in await resolver("localhost")
    assert await resolver("::1") == ["::1"]
    resolver.close()


async def test_callers_of_one_host_share_a_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    go = threading.Event()

    def slow(host: str) -> list[str]:
        asked.append(host)
        go.wait(20)
        return ["127.0.0.1"]

    monkeypatch.setattr(resolve_module, "_addresses", slow)
    resolver = SystemResolver()
    calls = [asyncio.create_task(resolver("slow.test")) for _ in range(50)]
    await eventually(lambda: asked)
    calls[0].cancel()
    go.set()
    assert await asyncio.gather(*calls[1:]) == [["127.0.0.1"]] * 49
    assert asked == ["slow.test"]
    assert await resolver("slow.test") == ["127.0.0.1"]
    assert len(asked) == 2
    resolver.close()


async def test_dead_name_servers_do_not_hold_up_other_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go = threading.Event()

    def lookup(host: str) -> list[str]:
        if host.startswith("dead"):
            go.wait(20)
        return ["127.0.0.1"]

    monkeypatch.setattr(resolve_module, "_addresses", lookup)
    resolver = SystemResolver()
    dead = [asyncio.create_task(resolver(f"dead{number}.test")) for number in range(20)]
    assert await asyncio.wait_for(resolver("lively.test"), 10) == ["127.0.0.1"]
    go.set()
    await asyncio.gather(*dead)
    resolver.close()


def test_a_link_local_address_keeps_its_zone() -> None:
    address = ("fe80::1", 0, 0, 7)
    assert resolve_module._text(socket.AF_INET6, address) == "fe80::1%7"
    assert resolve_module._text(socket.AF_INET6, ("::1", 0, 0, 0)) == "::1"
    assert resolve_module._text(socket.AF_INET, ("127.0.0.1", 0)) == "127.0.0.1"
