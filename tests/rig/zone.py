"""Whom the tests call: names with their addresses, spellings of addresses, and what is closed."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from dragoman.upstream.ranges import METADATA, IPAddress
from tests.rig.name_server import Answers

PUBLIC_V4, PUBLIC_V6, OTHER_PUBLIC = "93.184.215.14", "2606:4700::1111", "8.8.4.4"
PRIVATE, LINK_LOCAL, CLOUD = "10.1.2.3", "169.254.7.7", "169.254.169.254"
PRIVATE_PORT = 8443
"""On this port, the private address listens and nobody else does."""
PROXY = "10.9.9.9"


def rebinding(asked_before: int) -> Sequence[str]:
    """Be public once, to be judged, and private from then on."""
    return [PRIVATE] if asked_before else [PUBLIC_V4]


MANY = [*(f"10.7.0.{number}" for number in range(1, 60)), OTHER_PUBLIC]
"""More addresses than an answer over UDP holds; one of them is public."""

DEAD_NAMES = [f"dead{number}.test" for number in range(80)]

UNKNOWN = ["unknown.test", "status-407.test", "status-403.test"]
"""Names that do not resolve; the proxy of the world answers some with a status."""

PUBLIC_ZONE: dict[str, Answers | None] = {
    "v4.test": [PUBLIC_V4],
    "v6.test": [PUBLIC_V6],
    "plain.test": [PUBLIC_V4],
    "redirect.test": [PUBLIC_V4],
    "oauth2.googleapis.com": [PUBLIC_V4],
    "eu-aiplatform.googleapis.com": [PUBLIC_V4],
    "other-certificate.test": [PUBLIC_V4],
    "mixed.test": [PRIVATE, "fd00::1", OTHER_PUBLIC, CLOUD, "::ffff:10.1.2.3"],
    "many.test": MANY,
    "rebinding.test": rebinding,
}

CLOSED_ZONE: dict[str, Answers | None] = {
    "private.test": [PRIVATE],
    "loopback.test": ["127.0.0.1"],
    "link-local.test": [LINK_LOCAL],
    "unspecified.test": ["0.0.0.0"],  # noqa: S104  # an address like others here
    "unspecified-v6.test": ["::"],
    "unique-local.test": ["fd00::1"],
    "several.test": [PRIVATE, "192.168.1.1", "fd00::1"],
    "cloud.test": [CLOUD],
    "cloud-mapped.test": [f"::ffff:{CLOUD}"],
    "cloud-nat64.test": [f"64:ff9b::{CLOUD}"],
    "cloud-6to4.test": ["2002:a9fe:a9fe::1"],
    "metadata.google.internal": [CLOUD],
}

ZONE = PUBLIC_ZONE | CLOSED_ZONE | dict.fromkeys(DEAD_NAMES)


def in_forms(address: IPAddress) -> list[str]:
    """Write an address as hosts of URLs: itself, and inside of IPv6."""
    if isinstance(address, IPv6Address):
        return [f"[{address}]"]
    value = int(address)
    return [
        str(address),
        f"[::ffff:{address}]",
        f"[64:ff9b::{address}]",
        f"[2002:{value >> 16:x}:{value & 0xFFFF:x}::1]",
    ]


def in_spellings(address: str) -> list[str]:
    """Write an IPv4 address as hosts of URLs in ways that libc, or a browser, takes for it."""
    first, second, third, fourth = (int(part) for part in address.split("."))
    value = int(IPv4Address(address))
    return [
        str(value),
        hex(value),
        f"0{value:o}",
        f"{first:#x}.{second:#x}.{third:#x}.{fourth:#x}",
        f"0{first:o}.0{second:o}.0{third:o}.0{fourth:o}",
        f"{first}.{second}.{(third << 8) + fourth}",
        f"{first}.{(second << 16) + (third << 8) + fourth}",
        address.translate({ord(digit): ord(digit) - ord("0") + 0xFF10 for digit in "0123456789"}),
        address.replace(".", "\u3002"),
    ]


CLOSED_HOSTS = [
    *CLOSED_ZONE,
    *(host for address in METADATA for host in in_forms(address)),
    *(host for text in ("127.0.0.1", PRIVATE) for host in in_forms(IPv4Address(text))),
    *(host for text in ("127.0.0.1", CLOUD) for host in in_spellings(text)),
    *(f"[64:ff9b:1::{CLOUD}]", f"[::{CLOUD}]", "[2001:0:808:808:0:0:5601:5601]"),
    *("0.0.0.0", "100.64.0.1", "192.168.1.1", "172.16.0.1", "198.18.0.1", "240.0.0.1"),  # noqa: S104
    *("[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[fec0::1]", "[2001:db8::1]"),
    "localhost",
]
"""Hosts that the default policy refuses."""

WITH_A_DOT = [f"{address}." for address in ("127.0.0.1", CLOUD)]
"""Addresses to some; to libc they are names."""
