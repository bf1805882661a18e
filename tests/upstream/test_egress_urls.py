"""The moment of saving: only a URL's text is looked at, and it deceives nobody."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.ports import EndpointPolicy
from dragoman.domain.url import url_problem
from dragoman.upstream.address import literal
from dragoman.upstream.egress import SETTING, EgressPolicy, parse_networks
from dragoman.upstream.ranges import CLOSED, IPAddress

DEFAULT = EgressPolicy()
EVERYTHING = EgressPolicy(parse_networks("0.0.0.0/0, ::/0"))


def refusal(address: IPAddress) -> str | None:
    return DEFAULT.address_refusal(address, plain_http_with_credential=False)


def save_refusal(policy: EndpointPolicy, url: str, *, credential: bool = False) -> str | None:
    assert url_problem(url) is None, "only valid URLs come here"
    return policy.url_refusal(url, carries_credential=credential)


def wide(text: str) -> str:
    """Write ASCII in full-width characters."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


LOOPBACK_SPELLINGS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0.0x1",
    "0177.0.0.1",
    "017700000001",
    "0177.0.0.01",
    "127.000.000.001",
    wide("127.0.0.1"),
    "127。0。0。1",
    "①②⑦.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7F00:1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "any.localhost",
    wide("localhost"),
    "localhost.localdomain",
]
METADATA_SPELLINGS = [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    wide("169") + ".254.169.254",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[fd00:ec2::254]",
    "[fd20:ce::254%25eth0]",
    "168.63.129.16",
    "metadata.google.internal",
    "METADATA.google.internal.",
    "metadata",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.tencentyun.com",
]


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_in_every_spelling_can_be_saved_only_if_it_is_listed(
    scheme: str, host: str
) -> None:
    url = f"{scheme}://{host}:8000/v1/chat/completions"
    assert "loopback" in str(save_refusal(DEFAULT, url))
    listed = EgressPolicy(parse_networks("127.0.0.0/8, ::1"))
    assert save_refusal(listed, url, credential=True) is None


@pytest.mark.parametrize("host", METADATA_SPELLINGS)
def test_metadata_in_every_spelling_cannot_be_saved(host: str) -> None:
    for policy in (DEFAULT, EVERYTHING):
        assert "exactly" in str(save_refusal(policy, f"http://{host}/"))


@pytest.mark.parametrize("localhost_is", ["127.0.0.1", "::1"])
def test_either_address_of_localhost_is_enough(localhost_is: str) -> None:
    policy = EgressPolicy(parse_networks(localhost_is))
    assert save_refusal(policy, "http://localhost:11434", credential=True) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://vllm.internal:8000",
        "http://vllm:8000/v1",
        "https://api.openai.com/v1/chat/completions",
        "https://8.8.8.8/",
        "https://notlocalhost/",
        "https://metadata.example.com/",
        "https://1.2.3.4.5/",
        "https://0x7g.1/",
        "https://[2606:4700::1111]/",
    ],
)
def test_names_and_public_addresses_can_be_saved(url: str) -> None:
    assert save_refusal(DEFAULT, url, credential=True) is None


def test_a_literal_address_with_a_credential_over_plain_http() -> None:
    assert SETTING in str(save_refusal(DEFAULT, "http://8.8.8.8/", credential=True))
    assert save_refusal(DEFAULT, "http://8.8.8.8/") is None
    listed = EgressPolicy(parse_networks("8.8.8.8"))
    assert save_refusal(listed, "http://134744072/", credential=True) is None


# --- Laws ------------------------------------------------------------------------------------


def spellings(address: IPv4Address) -> list[str]:
    """Write an IPv4 address in the ways that libc reads."""
    value = int(address)
    a, b, c, d = address.packed
    return [
        str(value),
        hex(value),
        f"0{value:o}",
        f"{a}.{value & 0xFFFFFF}",
        f"{a:#x}.{b:#x}.{value & 0xFFFF:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a}.{b}.{c}.{d}.",
        wide(str(address)),
        f"[::ffff:{address}]",
        f"[::FFFF:{value >> 16:X}:{value & 0xFFFF:x}]",
        f"[64:ff9b::{address}]",
    ]


CLOSED_V4 = [network for network, _ in CLOSED if network.version == 4]
CLOSED_V6 = [network for network, _ in CLOSED if network.version == 6]


@given(address=st.sampled_from(CLOSED_V4).flatmap(lambda net: st.ip_addresses(network=net)))
def test_a_closed_address_is_refused_in_each_spelling(address: IPv4Address) -> None:
    assert refusal(address) is not None
    for host in spellings(address):
        assert save_refusal(DEFAULT, f"https://{host}/v1") is not None, host


@given(address=st.sampled_from(CLOSED_V6).flatmap(lambda net: st.ip_addresses(network=net)))
def test_a_closed_ipv6_address_is_refused_unless_it_is_a_way_to_public_ipv4(
    address: IPv6Address,
) -> None:
    way_out = address.ipv4_mapped is not None or address in ip_network("64:ff9b::/96")
    for host in (str(address), address.exploded, f"{address}%25eth0"):
        if not way_out:
            assert refusal(address) is not None
            assert save_refusal(DEFAULT, f"https://[{host}]/v1") is not None


@given(address=st.ip_addresses(v=4))
def test_every_spelling_is_the_same_address_and_judged_alike(address: IPv4Address) -> None:
    judged = refusal(address) is None
    for host in spellings(address):
        assert (save_refusal(DEFAULT, f"https://{host}/v1") is None) == judged, host


@given(address=st.ip_addresses(v=6))
def test_every_spelling_of_ipv6_is_the_same_address(address: IPv6Address) -> None:
    expected = address.ipv4_mapped or address
    assert literal(str(address)) == literal(address.exploded.upper()) == expected


@given(address=st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_what_python_calls_private_is_never_public(address: IPAddress) -> None:
    if not address.is_global:
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        if mapped is None or not mapped.is_global:
            assert refusal(address) is not None
