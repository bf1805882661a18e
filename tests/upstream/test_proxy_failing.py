"""What the operator's proxy may do instead of letting through, and whose fault that is."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from dragoman.domain.egress_proxy import SETTING
from dragoman.domain.errors import (
    ProxyFailed,
    Stage,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from dragoman.upstream.tunnel import MAX_HEAD_BYTES
from tests.scripted_upstream import (
    Request,
    Step,
    close,
    cut,
    forever,
    read_head,
    reset,
    send,
    serving,
    until_hung_up,
    wait,
)
from tests.upstream.calling import ECHO, PATIENT, ask, dead_address, eventually, in_use, to_host
from tests.upstream.proxying import (
    CONSENT,
    PASSWORD,
    MakeProxied,
    as_proxy,
    knowing,
    proxying,
)


async def failing(
    proxied: MakeProxied, *steps: Step, connect_s: float = 20, credential: str = ""
) -> tuple[ProxyFailed | UpstreamError, list[Request]]:
    """Call through a proxy that does this, and give the error and what the proxy has read."""
    async with serving(*steps) as proxy:
        pool = proxied(proxy, credential)
        request = to_host(proxy, "model.test")
        hasty = msgspec.structs.replace(PATIENT, connect_s=connect_s)
        request = msgspec.structs.replace(request, deadlines=hasty)
        with pytest.raises((ProxyFailed, UpstreamUnreachable, UpstreamTimeout)) as failed:
            await ask(pool, request)
        assert in_use(pool) == 0
        for peer in proxy.peers:
            await peer.left()
            assert bytes(peer.received) == b""  # nothing was sent but the CONNECT
        error = failed.value
        assert isinstance(error, ProxyFailed | UpstreamError)
        assert error.stage is Stage.PROXY
        assert SETTING in error.message
        assert PASSWORD not in repr(error)
        return error, proxy.requests


@pytest.mark.parametrize("credential", ["", f"ada:{PASSWORD}@"])
async def test_a_credential_that_it_does_not_know_is_the_operators_fault(
    proxied: MakeProxied, credential: str
) -> None:
    wanted = b"HTTP/1.1 407 No\r\nproxy-authenticate: Basic\r\ncontent-length: 2\r\n\r\nno"
    error, _ = await failing(proxied, read_head(), send(wanted), credential=credential)
    assert isinstance(error, ProxyFailed)
    assert "(407)" in error.message


@pytest.mark.parametrize("status", [b"101", b"199", b"302", b"400", b"403", b"502", b"503", b"999"])
async def test_whoever_it_does_not_reach_is_unreachable(
    proxied: MakeProxied, status: bytes
) -> None:
    refusal = b"HTTP/1.1 %s whatever\r\ncontent-length: 12\r\n\r\nHTTP/1.1 200" % status
    error, requests = await failing(proxied, read_head(), send(refusal), until_hung_up())
    assert isinstance(error, UpstreamUnreachable)
    assert error.message.endswith(f"the proxy of {SETTING} answered {status.decode()}.")
    assert len(requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b" HTTP/1.1 200 OK\r\n\r\n",
        b"\r\n\r\n" + CONSENT,
        b"HTTP/1.1 200 OK\nx: y\r\n\r\n",
    ],
)
async def test_an_answer_that_is_none(proxied: MakeProxied, answer: bytes) -> None:
    error, _ = await failing(proxied, read_head(), send(answer))
    assert isinstance(error, ProxyFailed)


@pytest.mark.parametrize("end", [close, cut, reset])
@pytest.mark.parametrize("said", [b"", CONSENT[:-1]])
async def test_a_proxy_that_hangs_up(
    proxied: MakeProxied, end: Callable[[], Step], said: bytes
) -> None:
    error, _ = await failing(proxied, read_head(), send(said), end())
    assert isinstance(error, ProxyFailed)


@pytest.mark.parametrize("early", [b"H", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong"])
async def test_what_comes_behind_its_consent_is_never_taken_for_an_answer(
    proxied: MakeProxied, early: bytes
) -> None:
    error, _ = await failing(proxied, read_head(), send(CONSENT + early))
    assert isinstance(error, ProxyFailed)
    assert "more than its consent" in error.message


async def test_an_answer_without_an_end(proxied: MakeProxied) -> None:
    endless = forever(send(b"x: y\r\n" * 1000), wait(0))
    error, _ = await failing(proxied, read_head(), send(b"HTTP/1.1 200 OK\r\n"), endless)
    assert isinstance(error, ProxyFailed)
    assert "no end" in error.message


async def test_the_longest_answer_that_is_read(proxied: MakeProxied) -> None:
    def long(size: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\nx: %s\r\n\r\n" % (b"y" * size)

    async with serving(*ECHO) as upstream:
        consent = long(MAX_HEAD_BYTES - len(long(0)))
        async with serving(*proxying(upstream.port, consent=consent)) as proxy:
            assert await ask(proxied(proxy), to_host(upstream, "model.test")) == b"{}"
    await failing(proxied, read_head(), send(long(MAX_HEAD_BYTES + 8192)))


@pytest.mark.parametrize(
    "steps",
    [
        [until_hung_up()],
        [read_head(), until_hung_up()],
        [read_head(), send(CONSENT[:-2]), until_hung_up()],
        [read_head(), send(CONSENT[:-2]), forever(send(b"x: y\r\n"), wait(0.02))],
    ],
    ids=["deaf", "dumb", "half", "drip"],
)
async def test_a_slow_answer_has_the_deadline_of_connecting(
    proxied: MakeProxied, steps: list[Step]
) -> None:
    async with serving(*steps) as proxy:
        pool = proxied(proxy)
        request = msgspec.structs.replace(
            to_host(proxy, "model.test"),
            deadlines=msgspec.structs.replace(PATIENT, connect_s=0.15),
        )
        with pytest.raises(UpstreamTimeout, match=f"within 0.15 s .*{SETTING}") as failed:
            await ask(pool, request)
        assert failed.value.stage is Stage.PROXY
        assert in_use(pool) == 0
        await proxy.peers[0].left()


async def test_a_proxy_that_is_not_there(proxied: MakeProxied) -> None:
    async with serving(*ECHO) as proxy:
        pool = proxied(proxy)
    with pytest.raises(ProxyFailed, match=f"{SETTING} cannot be reached: Connection refused"):
        await ask(pool, to_host(proxy, "model.test"))


async def test_a_proxy_that_swallows_everything_is_the_operators_fault(
    proxied: MakeProxied,
) -> None:
    async with serving(*ECHO) as proxy:
        pool = proxied(proxy, resolve=knowing({"proxy.test": ["127.0.0.2"]}))
        hasty = msgspec.structs.replace(PATIENT, connect_s=0.15)
        request = msgspec.structs.replace(to_host(proxy, "model.test"), deadlines=hasty)
        expected = pytest.raises(ProxyFailed, match=f"{SETTING} did not answer within 0.15 s")
        with dead_address("127.0.0.2", proxy.port), expected:
            await ask(pool, request)
        assert in_use(pool) == 0


async def test_a_proxy_whose_name_does_not_resolve(proxied: MakeProxied) -> None:
    async with serving(*ECHO) as proxy:
        pool = proxied(proxy)
        pool._connector._proxy = msgspec.structs.replace(as_proxy(proxy), host="gone.test")
        with pytest.raises(ProxyFailed, match=f"{SETTING} cannot be reached: its host does not"):
            await ask(pool, to_host(proxy, "model.test"))


async def test_whoever_goes_meanwhile_takes_the_tunnel_along(proxied: MakeProxied) -> None:
    async with serving(read_head(), until_hung_up()) as proxy:
        pool = proxied(proxy)
        call = asyncio.create_task(ask(pool, to_host(proxy, "model.test")))
        await eventually(lambda: proxy.requests)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert in_use(pool) == 0
        await proxy.peers[0].left()
