"""The operator's proxy: asked for a tunnel, spoken through to the upstream, never trusted more."""

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import cast

import msgspec
import pytest
import trustme

from dragoman.domain.errors import (
    Stage,
    UpstreamUnreachable,
)
from dragoman.domain.ports import UpstreamRequest
from dragoman.upstream.connect import Connector, tls_context
from dragoman.upstream.egress import EgressPolicy
from tests.scripted_upstream import (
    Step,
    cut,
    read_head,
    send,
    serving,
    wait,
)
from tests.upstream.calling import ECHO, MakePool, ask, certified, eventually, to_host
from tests.upstream.proxying import (
    CONSENT,
    MakeProxied,
    as_proxy,
    joined_to,
    knowing,
    proxying,
)


def encrypted(request: UpstreamRequest) -> UpstreamRequest:
    origin = request.origin._replace(scheme="https")
    return msgspec.structs.replace(request, origin=origin)


async def test_a_tunnel_is_asked_for_by_name_and_tls_is_the_upstreams(
    ca: trustme.CA, bundle: Path, proxied: MakeProxied
) -> None:
    seen: list[str | None] = []
    context = certified(ca, "model.test")
    context.sni_callback = lambda _sock, name, _context: seen.append(name)
    async with (
        serving(*ECHO, tls=context) as upstream,
        serving(*proxying(upstream.port)) as proxy,
    ):
        pool = proxied(proxy, "ada:a%40%3Ab%C3%A9@", ca_bundle=bundle)
        for _ in range(3):
            assert (
                await ask(pool, to_host(upstream, "model.test", carries_credential=True)) == b"{}"
            )
        asked = b"model.test:%d" % upstream.port
        assert [request.head for request in proxy.requests] == [
            b"CONNECT %s HTTP/1.1\r\nhost: %s\r\nproxy-authorization: Basic %s\r\n\r\n"
            % (asked, asked, b64encode("ada:a@:bé".encode()))
        ]
        assert [request.header("host") for request in upstream.requests] == [asked] * 3
        assert upstream.requests[0].header("proxy-authorization") is None
    assert seen == ["model.test"]


async def test_plain_http_goes_through_a_tunnel_too(proxied: MakeProxied) -> None:
    async with serving(*ECHO) as upstream, serving(*proxying(upstream.port)) as proxy:
        pool = proxied(proxy)
        for _ in range(2):
            assert await ask(pool, to_host(upstream, "model.test.")) == b"{}"
        (asked,) = proxy.requests
        assert asked.head.startswith(b"CONNECT model.test:%d HTTP/1.1\r\n" % upstream.port)
        assert asked.header("proxy-authorization") is None
        assert upstream.requests[0].head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("8.8.8.8", b"8.8.8.8"),
        ("134744072", b"8.8.8.8"),
        ("010.0.0.1", b"8.0.0.1"),
        ("0x8.8.8.8.", b"8.8.8.8"),
        ("::ffff:808:808", b"8.8.8.8"),
        ("2606:4700::1111", b"[2606:4700::1111]"),
    ],
)
async def test_an_address_is_asked_for_as_it_was_judged(
    host: str, asked: bytes, proxied: MakeProxied
) -> None:
    async with serving(*ECHO) as upstream, serving(*proxying(upstream.port)) as proxy:
        assert await ask(proxied(proxy), to_host(upstream, host)) == b"{}"
        assert proxy.requests[0].header("host") == b"%s:%d" % (asked, upstream.port)


@pytest.mark.parametrize("names", [("other.test",), ("proxy.test", "127.0.0.1")])
async def test_a_certificate_of_another_host_is_not_accepted_through_a_tunnel(
    ca: trustme.CA, bundle: Path, proxied: MakeProxied, names: tuple[str, ...]
) -> None:
    async with (
        serving(*ECHO, tls=certified(ca, *names)) as upstream,
        serving(*proxying(upstream.port)) as proxy,
    ):
        pool = proxied(proxy, ca_bundle=bundle)
        with pytest.raises(UpstreamUnreachable, match="certificate was not accepted") as failed:
            await ask(pool, to_host(upstream, "model.test"))
        assert failed.value.stage is Stage.TLS
        assert upstream.requests == []
        await proxy.peers[0].left()


async def test_an_unknown_authority_is_not_accepted_through_a_tunnel(
    ca: trustme.CA, proxied: MakeProxied
) -> None:
    async with (
        serving(*ECHO, tls=certified(ca, "model.test")) as upstream,
        serving(*proxying(upstream.port)) as proxy,
    ):
        with pytest.raises(UpstreamUnreachable, match="certificate was not accepted"):
            await ask(proxied(proxy), to_host(upstream, "model.test"))
        assert upstream.requests == []


class Recorder(asyncio.Protocol):
    """Notes everything that it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.told.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(exc)


IN_PIECES: list[Step] = [each for byte in CONSENT for each in (send(bytes([byte])), wait(0))]
WITH_HEADERS = send(
    b"HTTP/1.0 200\r\ncontent-length: 0\r\nvia: 1.1 a\r\nx: %s\r\n\r\n" % (b"y" * 9000)
)


@pytest.mark.parametrize("consent", [[send(CONSENT)], IN_PIECES, [WITH_HEADERS]])
@pytest.mark.parametrize("tls", [True, False])
async def test_the_protocol_hears_once_of_a_connection_and_nothing_of_the_proxy(
    ca: trustme.CA,
    bundle: Path,
    consent: list[Step],
    tls: bool,  # noqa: FBT001
) -> None:
    context = certified(ca, "model.test") if tls else None
    loop = asyncio.get_running_loop()
    async with (
        serving(*ECHO, tls=context) as upstream,
        serving(read_head(), *consent, joined_to(upstream.port)) as proxy,
    ):
        connector = Connector(EgressPolicy(), tls_context(bundle), knowing({}), as_proxy(proxy))
        protocol = Recorder()
        origin = to_host(upstream, "model.test").origin
        await connector.open(
            origin, protocol, plain_credential=False, deadline=loop.time() + 20, limit_s=20
        )
        await asyncio.sleep(0.02)
        assert protocol.told == ["made"]
        assert bool(protocol.transport.get_extra_info("ssl_object")) == tls
        protocol.transport.abort()
        await eventually(lambda: protocol.told == ["made", None])
        await proxy.peers[0].left()


async def test_the_next_of_the_proxys_addresses(proxied: MakeProxied) -> None:
    async with serving(*ECHO) as upstream, serving(*proxying(upstream.port)) as proxy:
        addresses = knowing({"proxy.test": ["127.0.0.2", "127.0.0.1"]})
        pool = proxied(proxy, resolve=addresses)
        assert await ask(pool, to_host(upstream, "model.test")) == b"{}"


async def test_the_environments_proxies_are_not_looked_at(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(*ECHO) as upstream, serving(*proxying(upstream.port)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        pool = make_pool(resolve=knowing({"model.test": ["127.0.0.1"]}))
        assert await ask(pool, to_host(upstream, "model.test")) == b"{}"
        async with serving(cut()) as no_tls:
            with pytest.raises(UpstreamUnreachable):
                await ask(pool, encrypted(to_host(no_tls, "model.test")))
        assert proxy.peers == []


async def test_the_environment_says_of_nobody_that_the_proxy_is_not_for_it(
    proxied: MakeProxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    async with serving(*ECHO) as upstream, serving(*proxying(upstream.port)) as proxy:
        assert await ask(proxied(proxy), to_host(upstream, "model.test")) == b"{}"
        assert len(proxy.requests) == 1
