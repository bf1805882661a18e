"""TLS: verified against the host that was configured, or there is no connection."""

import ssl
from pathlib import Path

import msgspec
import pytest
import trustme

from dragoman.domain.errors import UpstreamBroken, UpstreamUnreachable
from dragoman.domain.ports import UpstreamRequest
from tests.scripted_upstream import (
    Script,
    ScriptedUpstream,
    close,
    cut,
    forever,
    read_request,
    reply,
    send,
    serving,
)
from tests.upstream.calling import MakePool, answer, ask, certified, idle, in_use, request_to

ECHO: Script = (forever(read_request(), reply(lambda request: answer(request.body))),)


def named(upstream: ScriptedUpstream, host: str) -> UpstreamRequest:
    request = request_to(upstream, carries_credential=True)
    return msgspec.structs.replace(request, origin=request.origin._replace(host=host))


async def resolve(_: str) -> list[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("host", ["model.test", "model.test.", "127.0.0.1"])
async def test_a_certificate_for_the_host_from_a_known_authority(
    ca: trustme.CA, bundle: Path, host: str, make_pool: MakePool
) -> None:
    seen: list[str | None] = []
    context = certified(ca, "model.test", "127.0.0.1")
    context.sni_callback = lambda _sock, name, _context: seen.append(name)
    pool = make_pool(ca_bundle=bundle, resolve=resolve)
    async with serving(*ECHO, tls=context) as upstream:
        for _ in range(3):
            assert await ask(pool, named(upstream, host)) == b"{}"
        assert len(upstream.peers) == 1
        assert upstream.requests[0].header("host") == f"{host}:{upstream.port}".encode()
    assert seen == [None if host == "127.0.0.1" else "model.test"]


@pytest.mark.parametrize("host", ["other.test", "127.0.0.1", "sub.model.test"])
async def test_a_certificate_for_another_host(
    ca: trustme.CA, bundle: Path, host: str, make_pool: MakePool
) -> None:
    pool = make_pool(ca_bundle=bundle, resolve=resolve)
    async with serving(*ECHO, tls=certified(ca, "model.test")) as upstream:
        with pytest.raises(UpstreamUnreachable, match="certificate was not accepted"):
            await ask(pool, named(upstream, host))
        assert upstream.requests == []
        assert in_use(pool) == 0


async def test_an_unknown_authority(ca: trustme.CA, make_pool: MakePool) -> None:
    pool = make_pool(resolve=resolve)
    async with serving(*ECHO, tls=certified(ca, "model.test")) as upstream:
        with pytest.raises(UpstreamUnreachable, match="certificate was not accepted"):
            await ask(pool, named(upstream, "model.test"))
        assert upstream.requests == []


async def test_an_operators_bundle_does_not_replace_the_public_authorities(
    bundle: Path, make_pool: MakePool
) -> None:
    public = len(ssl.create_default_context().get_ca_certs())
    pool = make_pool(ca_bundle=bundle)
    assert len(pool._connector._tls.get_ca_certs()) == public + 1


async def test_no_log_of_keys_is_kept(
    ca: trustme.CA,
    bundle: Path,
    make_pool: MakePool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    pool = make_pool(ca_bundle=bundle, resolve=resolve)
    async with serving(*ECHO, tls=certified(ca, "model.test")) as upstream:
        assert await ask(pool, named(upstream, "model.test")) == b"{}"
    assert not keys.exists()


async def test_an_upstream_that_does_not_speak_tls(bundle: Path, make_pool: MakePool) -> None:
    pool = make_pool(ca_bundle=bundle, resolve=resolve)
    async with serving(send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), close()) as upstream:
        request = named(upstream, "model.test")
        encrypted = request.origin._replace(scheme="https")
        with pytest.raises(UpstreamUnreachable, match="cannot be reached"):
            await ask(pool, msgspec.structs.replace(request, origin=encrypted))


async def test_a_body_without_a_length_needs_a_clean_end(
    ca: trustme.CA, bundle: Path, make_pool: MakePool
) -> None:
    # Whoever sits on the way can close the connection below TLS; only the upstream can say so.
    context = certified(ca, "model.test")
    half = b"HTTP/1.1 200 OK\r\n\r\nhalf"
    first, second = ([read_request(), send(half), end()] for end in (close, cut))
    async with serving(first, second, tls=context) as upstream:
        pool = make_pool(ca_bundle=bundle, resolve=resolve)
        assert await ask(pool, named(upstream, "model.test")) == b"half"
        with pytest.raises(UpstreamBroken):
            await ask(pool, named(upstream, "model.test"))
        assert (in_use(pool), idle(pool)) == (0, 0)


async def test_leaving_early_closes_at_once(
    ca: trustme.CA, bundle: Path, make_pool: MakePool
) -> None:
    half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"
    context = certified(ca, "model.test")
    async with serving(read_request(), send(half), tls=context) as upstream:
        pool = make_pool(ca_bundle=bundle, resolve=resolve)
        async with pool.exchange(named(upstream, "model.test")) as exchange:
            assert await exchange.read() == b"half"
        assert in_use(pool) == 0
        await upstream.peers[0].left()
