"""Why there is no connection: the error says how far it had come."""

import asyncio
import ssl
from pathlib import Path

import msgspec
import pytest
import trustme

from dragoman.domain.errors import Stage, UpstreamTimeout, UpstreamUnreachable
from dragoman.domain.ports import UpstreamRequest
from dragoman.upstream.egress import EgressPolicy, parse_networks
from tests.scripted_upstream import close, send, serving, until_hung_up
from tests.upstream.calling import (
    ECHO,
    PATIENT,
    MakePool,
    answering,
    ask,
    dead_address,
    eventually,
    in_use,
    request_to,
    to_host,
)

HASTY = msgspec.structs.replace(PATIENT, connect_s=0.2)
EVERYTHING = EgressPolicy(parse_networks("127.0.0.0/8"))


def hasty(request: UpstreamRequest, scheme: str = "http") -> UpstreamRequest:
    origin = request.origin._replace(scheme=scheme)
    return msgspec.structs.replace(request, origin=origin, deadlines=HASTY)


async def never(_: str) -> list[str]:
    """Resolve like a name server that says nothing."""
    await asyncio.Event().wait()
    return []


async def test_a_name_that_does_not_resolve(make_pool: MakePool) -> None:
    async with serving(*ECHO) as upstream:
        with pytest.raises(UpstreamUnreachable, match="does not resolve") as failed:
            await ask(make_pool(), to_host(upstream, "1.2.3.4.5"))
    assert failed.value.stage is Stage.DNS


async def test_a_look_up_without_an_answer(make_pool: MakePool) -> None:
    pool = make_pool(resolve=never)
    async with serving(*ECHO) as upstream:
        with pytest.raises(UpstreamTimeout) as failed:
            await ask(pool, hasty(to_host(upstream, "dead.test")))
        assert failed.value.stage is Stage.DNS
        assert failed.value.message == (
            f"There was no connection to http://dead.test:{upstream.port} within 0.2 s (connect): "
            "the look-up of its host's name took too long."
        )
        assert in_use(pool) == 0


async def test_a_port_that_nobody_listens_on(make_pool: MakePool) -> None:
    async with serving(*ECHO) as upstream:
        request = request_to(upstream)
    with pytest.raises(UpstreamUnreachable, match="Connection refused") as failed:
        await ask(make_pool(), request)
    assert failed.value.stage is Stage.CONNECT


async def test_an_address_that_swallows_everything(make_pool: MakePool) -> None:
    pool = make_pool(policy=EVERYTHING, resolve=answering(["127.0.0.2"]))
    async with serving(*ECHO) as upstream:
        request = hasty(to_host(upstream, "model.test"))
        expected = pytest.raises(UpstreamTimeout, match="address did not answer")
        with dead_address("127.0.0.2", upstream.port), expected as failed:
            await ask(pool, request)
    assert failed.value.stage is Stage.CONNECT


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_somebody_who_does_not_speak_tls(make_pool: MakePool, said: bytes) -> None:
    async with serving(send(said), close()) as upstream:
        with pytest.raises(UpstreamUnreachable) as failed:
            await ask(make_pool(), hasty(request_to(upstream), "https"))
    assert failed.value.stage is Stage.TLS


async def test_somebody_who_says_nothing_to_tls(make_pool: MakePool) -> None:
    pool = make_pool()
    async with serving(until_hung_up()) as upstream:
        with pytest.raises(UpstreamTimeout, match="TLS was not agreed on") as failed:
            await ask(pool, hasty(request_to(upstream), "https"))
        assert failed.value.stage is Stage.TLS
        assert in_use(pool) == 0
        await upstream.peers[0].left()


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\n\r\n", b""])
async def test_somebody_who_does_not_wait_to_be_asked(make_pool: MakePool, said: bytes) -> None:
    pool = make_pool()
    async with serving(send(said), close()) as upstream:
        request = request_to(upstream)
        exchange = pool.exchange(request)
        connection = await pool._lane(request).acquire(PATIENT)
        await eventually(lambda: connection.closed)
        with pytest.raises(UpstreamUnreachable, match="before it was asked") as failed:
            connection.start(exchange, b"head", b"body")
        assert failed.value.stage is Stage.CONNECT
        assert in_use(pool) == 0


@pytest.fixture
def wrong_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("other.test").configure_cert(context)
    return context


async def test_a_certificate_that_is_not_accepted(
    make_pool: MakePool, wrong_certificate: ssl.SSLContext
) -> None:
    async with serving(*ECHO, tls=wrong_certificate) as upstream:
        with pytest.raises(UpstreamUnreachable, match="certificate") as failed:
            await ask(make_pool(), request_to(upstream))
    assert failed.value.stage is Stage.TLS


async def test_the_last_address_that_was_tried_counts(make_pool: MakePool) -> None:
    # TLS stalls at the first address; nobody listens at the second.
    pool = make_pool(policy=EVERYTHING, resolve=answering(["127.0.0.1", "127.0.0.2"]))
    async with serving(until_hung_up()) as upstream:
        with pytest.raises(UpstreamUnreachable, match="Connection refused") as failed:
            await ask(pool, hasty(to_host(upstream, "model.test"), "https"))
    assert failed.value.stage is Stage.CONNECT


async def test_whoever_goes_while_tls_is_agreed_on_leaves_nothing(make_pool: MakePool) -> None:
    pool = make_pool()
    async with serving(until_hung_up()) as upstream:
        request = request_to(upstream)
        origin = request.origin._replace(scheme="https")
        request = msgspec.structs.replace(request, origin=origin)
        call = asyncio.create_task(ask(pool, request))
        await eventually(lambda: upstream.peers)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert in_use(pool) == 0
        await upstream.peers[0].left()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_connections_that_do_not_come_about_leave_no_descriptor(
    make_pool: MakePool,
) -> None:
    pool = make_pool(policy=EVERYTHING, resolve=answering(*[["127.0.0.2"]] * 9))
    briefly = msgspec.structs.replace(PATIENT, connect_s=0.01)

    async def fail(request: UpstreamRequest) -> None:
        with pytest.raises((UpstreamTimeout, UpstreamUnreachable)):
            await ask(pool, msgspec.structs.replace(request, deadlines=briefly))

    async with serving(*ECHO) as upstream:
        request = to_host(upstream, "model.test")
        await fail(request)  # refused: nobody listens at this address
        with dead_address("127.0.0.2", upstream.port):
            await fail(request)
            before = descriptors()
            for _ in range(3):
                await fail(request)
            assert descriptors() == before
        before = descriptors()
        for _ in range(3):
            await fail(request)
        assert descriptors() == before
