"""Addresses where no public LLM can be, as data: special ranges, and where clouds keep secrets.

The ranges follow IANA's IPv4 and IPv6 special-purpose address registries, both as updated on
2025-10-09: every block that is not globally reachable, and the tunnels and anycast blocks that
are. What IANA has not assigned as unicast (RFC 4291, "IPv6 address space" registry) is closed too.
`ipaddress.is_global` is not enough: it passes fec0::/10, and NAT64 and 6to4 forms of anything.
"""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_CLOSED = (
    # What an address in it is, to follow "… is"; the narrower range stands first.
    ("0.0.0.0/8", "an address of this very machine (RFC 791)"),
    ("10.0.0.0/8", "a private address (RFC 1918)"),
    ("100.64.0.0/10", "a carrier's or VPN's shared address (RFC 6598)"),
    ("127.0.0.0/8", "a loopback address (RFC 1122)"),
    ("169.254.0.0/16", "a link-local address (RFC 3927)"),
    ("172.16.0.0/12", "a private address (RFC 1918)"),
    ("192.0.0.0/24", "an IETF protocol assignment (RFC 6890)"),
    ("192.0.2.0/24", "a documentation address (RFC 5737)"),
    ("192.31.196.0/24", "an AS112 address (RFC 7535)"),
    ("192.52.193.0/24", "an AMT relay address (RFC 7450)"),
    ("192.88.99.0/24", "a 6to4 relay address (RFC 7526)"),
    ("192.168.0.0/16", "a private address (RFC 1918)"),
    ("192.175.48.0/24", "an AS112 address (RFC 7534)"),
    ("198.18.0.0/15", "a benchmarking address (RFC 2544)"),
    ("198.51.100.0/24", "a documentation address (RFC 5737)"),
    ("203.0.113.0/24", "a documentation address (RFC 5737)"),
    ("224.0.0.0/4", "a multicast address (RFC 1112)"),
    ("255.255.255.255/32", "the broadcast address (RFC 919)"),
    ("240.0.0.0/4", "a reserved address (RFC 1112)"),
    ("::/128", "the unspecified address (RFC 4291)"),
    ("::1/128", "a loopback address (RFC 4291)"),
    ("::/96", "an IPv4-compatible address (RFC 4291)"),
    ("64:ff9b:1::/48", "a local-use NAT64 address (RFC 8215)"),
    ("100::/64", "a discard-only address (RFC 6666)"),
    ("100:0:0:1::/64", "a dummy address (RFC 9780)"),
    ("2001::/32", "a Teredo address (RFC 4380)"),
    ("2001:2::/48", "a benchmarking address (RFC 5180)"),
    ("2001:10::/28", "an ORCHID (RFC 4843)"),
    ("2001:20::/28", "an ORCHID (RFC 7343)"),
    ("2001::/23", "an IETF protocol assignment (RFC 2928)"),
    ("2001:db8::/32", "a documentation address (RFC 3849)"),
    ("2002::/16", "a 6to4 address (RFC 3056)"),
    ("2620:4f:8000::/48", "an AS112 address (RFC 7534)"),
    ("3fff::/20", "a documentation address (RFC 9637)"),
    ("5f00::/16", "a segment routing identifier (RFC 9602)"),
    ("fc00::/7", "a unique-local address (RFC 4193)"),
    ("fe80::/10", "a link-local address (RFC 4291)"),
    ("fec0::/10", "a site-local address (RFC 3879)"),
    ("ff00::/8", "a multicast address (RFC 4291)"),
    # All that is left outside of 2000::/3.
    ("::/3", "not assigned as a public address (RFC 4291)"),
    ("4000::/2", "not assigned as a public address (RFC 4291)"),
    ("8000::/1", "not assigned as a public address (RFC 4291)"),
)

NAT64 = ip_network("64:ff9b::/96")
"""The one block outside of 2000::/3 that is globally reachable (RFC 6052), as a way to IPv4."""

LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
"""The same inside one network (RFC 8215)."""

CLOSED: tuple[tuple[IPNetwork, str], ...] = tuple((ip_network(text), why) for text, why in _CLOSED)
"""Ranges that only an operator opens, each with what an address in it is."""

_CLOUDS = (
    ("169.254.169.254", "the metadata address of AWS, Azure, Google Cloud and others"),
    ("169.254.170.2", "the credential address of AWS ECS"),
    ("169.254.170.23", "the credential address of AWS EKS"),
    ("fd00:ec2::23", "the credential address of AWS EKS"),
    ("fd00:ec2::254", "the metadata address of AWS"),
    ("fd20:ce::254", "the metadata address of Google Cloud"),
    ("168.63.129.16", "the host address of Azure"),
    ("100.100.100.200", "the metadata address of Alibaba Cloud"),
    ("fd00:100::100:200", "the metadata address of Alibaba Cloud"),
    ("192.0.0.192", "the metadata address of Oracle Cloud"),
    ("fd00:c1::a9fe:a9fe", "the metadata address of Oracle Cloud"),
    ("169.254.0.23", "the metadata address of Tencent Cloud"),
    ("169.254.10.10", "the metadata address of Tencent Cloud"),
    ("169.254.42.42", "the metadata address of Scaleway"),
    ("fd00:42::42", "the metadata address of Scaleway"),
    ("fd00:a9fe:a9fe::1", "the metadata address of Akamai"),
)

METADATA: dict[IPAddress, str] = {ip_address(text): what for text, what in _CLOUDS}
"""Where a cloud hands this machine's credentials to whoever asks from it."""

_LINK_LOCAL_METADATA = ("169.254.169.254",)

_NAMES = {
    "localhost": ("127.0.0.1", "::1"),
    "localhost.localdomain": ("127.0.0.1", "::1"),
    "ip6-localhost": ("::1",),
    "ip6-loopback": ("::1",),
    "instance-data": _LINK_LOCAL_METADATA,
    "instance-data.ec2.internal": _LINK_LOCAL_METADATA,
    "metadata": _LINK_LOCAL_METADATA,
    "metadata.azure.internal": _LINK_LOCAL_METADATA,
    "metadata.goog": _LINK_LOCAL_METADATA,
    "metadata.google.internal": _LINK_LOCAL_METADATA,
    "metadata.tencentyun.com": ("169.254.0.23",),
}

SPECIAL_NAMES: dict[str, tuple[IPAddress, ...]] = {
    name: tuple(ip_address(text) for text in texts) for name, texts in _NAMES.items()
}
"""Host names that mean this machine or its cloud, with the addresses they stand for."""
