"""Which addresses are called: what is public or listed, in whatever form it comes."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest

from dragoman.upstream.egress import SETTING, EgressPolicy, parse_networks
from dragoman.upstream.ranges import METADATA, IPAddress, IPNetwork

DEFAULT = EgressPolicy()
EVERYTHING = EgressPolicy(parse_networks("0.0.0.0/0, ::/0"))


def refusal(policy: EgressPolicy, address: str | IPAddress, *, plain: bool = False) -> str | None:
    return policy.address_refusal(ip_address(address), plain_http_with_credential=plain)


# --- Addresses -------------------------------------------------------------------------------

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2000::1",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]

NOT_PUBLIC = {
    "this very machine": ["0.0.0.1", "0.255.255.255"],
    "loopback": ["127.0.0.1", "127.255.255.255", "::1"],
    "private": ["10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    "shared": ["100.64.0.0", "100.127.255.255"],
    "link-local": ["169.254.0.0", "169.254.1.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    "IETF": ["192.0.0.1", "192.0.0.170", "2001:1::1", "2001:1ff:ffff::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarking": ["198.18.0.0", "198.19.255.255", "2001:2::1"],
    "6to4": ["192.88.99.1", "2002:808:808::1"],
    "AS112": ["192.31.196.1", "192.175.48.1", "2620:4f:8000::1"],
    "AMT": ["192.52.193.1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1"],
    "reserved": ["240.0.0.1", "255.255.255.254"],
    "broadcast": ["255.255.255.255"],
    "unspecified": ["::"],
    "IPv4-compatible": ["::8.8.8.8", "::7f00:1"],
    "local-use NAT64": ["64:ff9b:1::8.8.8.8"],
    "discard-only": ["100::1"],
    "dummy": ["100:0:0:1::1"],
    "Teredo": ["2001::1"],
    "ORCHID": ["2001:10::1", "2001:20::1"],
    "segment routing": ["5f00::1"],
    "unique-local": ["fc00::1", "fdff::1"],
    "site-local": ["fec0::1", "feff::1"],
    "not assigned": ["1::1", "1fff::1", "4000::1", "7fff::1", "8000::1", "e000::1", "fe00::1"],
}

INSIDE_OTHERS = {
    # An IPv6 address, and what it leads to.
    "::ffff:127.0.0.1": "127.0.0.1",
    "::ffff:10.1.2.3": "10.1.2.3",
    "::ffff:a9fe:a9fe": "169.254.169.254",
    "64:ff9b::127.0.0.1": "127.0.0.1",
    "64:ff9b::10.1.2.3": "10.1.2.3",
    "64:ff9b::169.254.169.254": "169.254.169.254",
    "64:ff9b:1::10.1.2.3": "10.1.2.3",
    "2002:7f00:1::": "127.0.0.1",
    "2002:a9fe:a9fe::1": "169.254.169.254",
    "::127.0.0.1": "127.0.0.1",
    # Teredo: the server stands in the clear, the client inverted.
    "2001:0:a01:203:0:0:f7f7:f7f7": "10.1.2.3",
    "2001:0:808:808:0:0:5601:5601": "169.254.169.254",
    # ISATAP, under a prefix that is public.
    "2a00:1450::5efe:10.1.2.3": "10.1.2.3",
    "2a00:1450::200:5efe:169.254.169.254": "169.254.169.254",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    assert refusal(DEFAULT, address) is None


@pytest.mark.parametrize(
    ("what", "address"), [(what, each) for what, them in NOT_PUBLIC.items() for each in them]
)
def test_other_addresses_are_not_and_the_refusal_says_how_to_open_them(
    what: str, address: str
) -> None:
    said = refusal(DEFAULT, address)
    assert said is not None
    assert what in said
    entry = said.rpartition("add ")[2].partition(" ")[0]
    assert said.endswith(f"add {entry} or its network to {SETTING}.")
    assert ip_address(address.partition("%")[0]) in ip_network(entry)


@pytest.mark.parametrize(("address", "inner"), INSIDE_OTHERS.items())
def test_an_ipv4_address_inside_an_ipv6_address_is_judged_too(address: str, inner: str) -> None:
    assert refusal(DEFAULT, address) is not None
    outer = EgressPolicy([ip_network(address)] if "ffff:" not in address[:7] else [])
    said = refusal(outer, address)
    assert said is not None
    assert inner in said
    assert refusal(EgressPolicy([ip_network(address), ip_network(inner)]), address) is None


def test_a_local_nat64_with_a_shorter_prefix_does_not_lead_to_metadata() -> None:
    # RFC 6052 for prefixes of 48, 56 and 64 bits, each around 169.254.169.254.
    for address in (
        "64:ff9b:1:a9fe:a9:fe00::",
        "64:ff9b:1:a9:fe:a9fe::",
        "64:ff9b:1:0:a9:fea9:fe00:0",
    ):
        assert "169.254.169.254" in str(refusal(EVERYTHING, address))


# --- What the operator lists -----------------------------------------------------------------


@pytest.mark.parametrize("address", [each for them in NOT_PUBLIC.values() for each in them])
def test_a_list_opens_what_is_in_it_and_nothing_else(address: str) -> None:
    bare = address.partition("%")[0]
    others = EgressPolicy(parse_networks("8.8.8.8, 2a00::/16"))
    assert refusal(others, address) is not None
    opened = refusal(EVERYTHING, address)
    assert opened is None
    if "8.8.8.8" not in bare and not bare.startswith(("2001::", "2002:", "::7f00")):
        assert refusal(EgressPolicy([ip_network(bare)]), address) is None


def clouds() -> Iterator[tuple[IPAddress, IPAddress]]:
    """Give each metadata address in its forms."""
    for address in METADATA:
        yield address, address
        if isinstance(address, IPv4Address):
            yield IPv6Address(f"::ffff:{address}"), address
            yield IPv6Address(f"64:ff9b::{address}"), address


@pytest.mark.parametrize(("address", "real"), list(clouds()))
def test_metadata_is_closed_under_every_list_that_does_not_name_it_exactly(
    address: IPAddress, real: IPAddress
) -> None:
    bits = real.max_prefixlen
    around: list[IPNetwork] = [ip_network(f"{real}/{n}", strict=False) for n in range(bits)]
    around += [ip_network("0.0.0.0/0"), ip_network("::/0")]
    for plain in (False, True):
        said = refusal(EgressPolicy(around), address, plain=plain)
        assert said is not None
        assert f"names exactly {real}/{bits}" in said
    assert refusal(EgressPolicy(parse_networks(str(real))), address) is None
    assert refusal(EgressPolicy([*around, ip_network(real)]), address) is None


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("8.8.8.8", False),
        ("64:ff9b::10.1.2.3", False),
        ("2a00:1450::5efe:10.1.2.3", False),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("9.9.9.9", True),
    ],
)
def test_a_credential_goes_in_the_clear_only_to_what_is_listed(address: str, allowed: bool) -> None:  # noqa: FBT001
    policy = EgressPolicy(parse_networks("10.0.0.0/8, 9.9.9.9"))
    assert refusal(policy, address) is None
    said = refusal(policy, address, plain=True)
    assert (said is None) == allowed
    assert said is None or (SETTING in said and "https" in said)


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("", []),
        (" , ", []),
        ("10.0.0.0/8", ["10.0.0.0/8"]),
        (
            " 10.0.0.0/8 ,127.0.0.1,, fd00::/8,::1 ",
            ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8", "::1/128"],
        ),
    ],
)
def test_a_list_is_read(text: str, networks: list[str]) -> None:
    assert [str(network) for network in parse_networks(text)] == networks


@pytest.mark.parametrize(
    "entry",
    [
        "localhost",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.*",
        "1.2.3",
        "*",
        "fe80::1%eth0",
        "::ffff:10.0.0.0/104",
    ],
)
def test_an_entry_that_is_none_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/8|IPv4") as wrong:
        parse_networks(f"127.0.0.1, {entry}, ::1")
    assert repr(entry) in str(wrong.value)
