"""Opening connections: every address is judged, and the one that passed is the one called."""

import errno

import msgspec
import pytest

from dragoman.domain.errors import EgressRefused, Unavailable, UpstreamUnreachable
from dragoman.upstream import connect
from dragoman.upstream.egress import SETTING, EgressPolicy, parse_networks
from dragoman.upstream.pool import HttpPool
from dragoman.upstream.ranges import IPAddress
from tests.scripted_upstream import (
    close,
    read_request,
    send,
    serving,
)
from tests.upstream.calling import (
    ECHO,
    PATIENT,
    MakePool,
    answer,
    answering,
    ask,
    dead_address,
    eventually,
    idle,
    request_to,
    to_host,
)


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


async def test_refused_addresses_of_an_answer_are_skipped(make_pool: MakePool) -> None:
    pool = make_pool(resolve=answering(["10.0.0.1", "::1", "169.254.169.254", "127.0.0.1"]))
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

    monkeypatch.setattr(connect, "dial", refuse)
    async with serving(*ECHO) as upstream:
        with pytest.raises(Unavailable):
            await ask(pool, request_to(upstream))
