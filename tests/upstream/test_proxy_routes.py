"""What is called through the operator's proxy, what past it, and what not at all."""

import pytest

from dragoman.domain.errors import EgressRefused, Stage, UpstreamUnreachable
from dragoman.domain.url import Origin
from dragoman.upstream.address import ends_in_number
from dragoman.upstream.egress import SETTING, EgressPolicy, parse_networks
from dragoman.upstream.route import addresses_past_proxy
from tests.scripted_upstream import serving
from tests.upstream.calling import ECHO, MakePool, ask, to_host
from tests.upstream.proxying import as_proxy, knowing, proxying

PUBLIC = ["8.8.8.8"]
THROUGH: list[str] = []


def way(
    host: str, found: list[str], *, listed: str = "", plain_credential: bool = False
) -> list[str]:
    """Give the addresses that are called past the proxy; none means that it is asked."""
    policy = EgressPolicy(parse_networks(listed))
    origin = Origin("http" if plain_credential else "https", host, 443)
    return addresses_past_proxy(policy, origin, found, plain_credential=plain_credential)


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("model.test", []),
        ("model.test", ["8.8.8.8", "2606:4700::1111"]),
        ("8.8.8.8", PUBLIC),
        ("4.4.4.4.test", []),
        ("metadata.model.test", []),
    ],
)
def test_through_it_goes_what_is_public_and_what_does_not_resolve_here(
    host: str, found: list[str]
) -> None:
    assert way(host, found) == THROUGH


@pytest.mark.parametrize(
    ("found", "past"),
    [
        (["10.1.2.3"], ["10.1.2.3"]),
        (["::ffff:10.1.2.3"], ["::ffff:10.1.2.3"]),
        (["8.8.8.8", "10.1.2.3", "192.168.1.1"], ["10.1.2.3"]),
        (["9.9.9.9", "10.1.2.3"], ["9.9.9.9", "10.1.2.3"]),
    ],
)
def test_past_it_goes_what_is_listed(found: list[str], past: list[str]) -> None:
    assert way("model.test", found, listed="10.0.0.0/8, 9.9.9.9") == past


@pytest.mark.parametrize(
    ("host", "found", "said"),
    [
        ("model.test", ["10.1.2.3"], "10.1.2.3 is a private address"),
        ("model.test", ["8.8.8.8", "10.1.2.3"], "10.1.2.3 is a private address"),
        ("model.test", ["8.8.8.8", "64:ff9b::a9fe:a9fe"], "169.254.169.254"),
        ("127.0.0.1", ["127.0.0.1"], "loopback"),
        ("metadata.google.internal", [], "169.254.169.254"),
        ("metadata.google.internal", ["8.8.8.8"], "169.254.169.254"),
        ("a.localhost", [], "loopback"),
    ],
)
def test_what_is_closed_is_not_handed_to_the_proxy(host: str, found: list[str], said: str) -> None:
    with pytest.raises(EgressRefused, match=SETTING) as refused:
        way(host, found)
    assert said in refused.value.message


def test_a_metadata_address_inside_a_listed_network_stays_closed() -> None:
    with pytest.raises(EgressRefused, match="names exactly"):
        way("model.test", ["169.254.169.254"], listed="169.254.0.0/16")
    assert way("model.test", ["169.254.169.254"], listed="169.254.169.254") == ["169.254.169.254"]


@pytest.mark.parametrize("host", ["localhost", "ip6-loopback", "127.0.0.08", "0127.0.0.09", "a.0x"])
@pytest.mark.parametrize("found", [[], PUBLIC])
def test_a_name_that_means_something_else_to_the_proxy_is_not_handed_to_it(
    host: str, found: list[str]
) -> None:
    with pytest.raises(UpstreamUnreachable, match="to the proxy it may mean") as failed:
        way(host, found, listed="127.0.0.0/8, ::1")
    assert failed.value.stage is Stage.DNS


@pytest.mark.parametrize(
    ("host", "numeric"),
    [
        ("127.0.0.1", True),
        ("1.2.3.4.5", True),
        ("08.8.8.8.", True),
        ("model.0x7F", True),
        ("model.0x", True),
        ("08", True),
        ("model.test", False),
        ("8.8.8.8.test", False),
        ("model.0xg", False),
        ("model.1a", False),
        ("x0", False),
    ],
)
def test_a_host_that_ends_in_a_number(host: str, numeric: bool) -> None:  # noqa: FBT001
    assert ends_in_number(host) == numeric


@pytest.mark.parametrize("found", [[], PUBLIC])
def test_a_credential_in_the_clear_is_not_handed_to_the_proxy(found: list[str]) -> None:
    with pytest.raises(EgressRefused, match=f"plain http .* {SETTING}"):
        way("model.test", found, plain_credential=True)


def test_a_credential_in_the_clear_goes_past_it_to_what_is_listed() -> None:
    assert way("model.test", PUBLIC, listed="8.8.8.8", plain_credential=True) == PUBLIC


# --- The same, on the connections that are made ----------------------------------------------


async def test_a_listed_address_is_called_without_the_proxy(make_pool: MakePool) -> None:
    async with serving(*ECHO) as upstream, serving(*proxying(upstream.port)) as proxy:
        resolve = knowing({"model.test": ["8.8.8.8", "127.0.0.1"]})
        pool = make_pool(proxy=as_proxy(proxy), resolve=resolve)
        request = to_host(upstream, "model.test", carries_credential=True)
        assert await ask(pool, request) == b"{}"
        assert proxy.peers == []


@pytest.mark.parametrize(
    "host", ["private.test", "mixed.test", "10.1.2.3", "0xa9fea9fe", "metadata.google.internal"]
)
async def test_the_proxy_hears_nothing_of_what_is_refused(make_pool: MakePool, host: str) -> None:
    names = {"private.test": ["10.1.2.3"], "mixed.test": ["8.8.8.8", "10.1.2.3"]}
    async with serving(*ECHO) as upstream, serving(*proxying(upstream.port)) as proxy:
        pool = make_pool(policy=EgressPolicy(), proxy=as_proxy(proxy), resolve=knowing(names))
        with pytest.raises(EgressRefused):
            await ask(pool, to_host(upstream, host))
        assert (proxy.peers, upstream.peers) == ([], [])


async def test_the_proxys_own_address_needs_no_permission_and_opens_nothing(
    make_pool: MakePool,
) -> None:
    async with serving(*ECHO) as upstream, serving(*proxying(upstream.port)) as proxy:
        pool = make_pool(policy=EgressPolicy(), proxy=as_proxy(proxy), resolve=knowing({}))
        assert await ask(pool, to_host(upstream, "model.test")) == b"{}"
        with pytest.raises(EgressRefused):
            await ask(pool, to_host(upstream, "proxy.test"))
