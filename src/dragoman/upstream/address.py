"""One address in its many forms: the spellings of a host, and IPv4 carried inside IPv6."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_network

from dragoman.upstream.ranges import LOCAL_NAT64, NAT64, SPECIAL_NAMES, IPAddress

_COMPATIBLE = ip_network("::/96")
_ISATAP_MARKS = (0x0000_5EFE, 0x0200_5EFE)
"""The upper half of an ISATAP interface identifier (RFC 5214), locally or globally unique."""

_LOW_32 = 0xFFFF_FFFF
_HEXADECIMAL = re.compile(r"0x[0-9a-f]*", re.ASCII | re.IGNORECASE)


def plain(address: IPAddress) -> IPAddress:
    """Give the address that is really called: without its zone, and IPv4 if it is mapped."""
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def literal(host: str) -> IPAddress | None:
    """Read a host as an address, in any spelling that libc takes for one, or give None.

    Apart from the usual ones that is `2130706433`, `0x7f.1`, `0177.0.0.1`, `127.1`; an IPv6
    address may have a zone. A final dot, which some resolvers take off, changes nothing.
    """
    host = host.rstrip(".")
    try:
        if ":" in host:
            return plain(IPv6Address(host.partition("%")[0]))
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def named_by(host: str) -> tuple[IPAddress, ...]:
    """Give the addresses that a host stands for without asking DNS; most names stand for none."""
    address = literal(host)
    if address is not None:
        return (address,)
    name = host.rstrip(".")
    if name.endswith(".localhost"):
        name = "localhost"
    return SPECIAL_NAMES.get(name, ())


def ends_in_number(host: str) -> bool:
    """Tell whether a host looks like an IPv4 address to somebody, if not to libc.

    That is so if its last label is a number, as in `127.0.0.08`; no name in DNS ends like that
    (WHATWG URL, "ends in a number"; RFC 3696).
    """
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or _HEXADECIMAL.fullmatch(last) is not None


def carried(address: IPAddress) -> tuple[IPv4Address, ...]:
    """Give the IPv4 addresses at which a packet to this IPv6 address may come out."""
    if isinstance(address, IPv4Address):
        return ()
    value = int(address)
    last = IPv4Address(value & _LOW_32)
    if address in NAT64 or address in LOCAL_NAT64:
        return (last,)
    if address in _COMPATIBLE:
        return (last,) if value > 1 else ()  # :: and ::1 carry nothing
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if (value >> 32) & _LOW_32 in _ISATAP_MARKS:
        return (last,)
    return ()


def possibly_carried(address: IPAddress) -> tuple[IPv4Address, ...]:
    """Give what `carried` gives, and where a local NAT64 with a shorter prefix would look.

    RFC 6052 puts the IPv4 address behind the prefix and leaves bits 64 to 71 out. How long the
    prefix is cannot be seen from outside, so these are possibilities, not certainties.
    """
    if isinstance(address, IPv4Address) or address not in LOCAL_NAT64:
        return carried(address)
    value = int(address)
    bits = ((value >> 64) << 56) | (value & ((1 << 56) - 1))
    shorter = (IPv4Address((bits >> (120 - 32 - prefix)) & _LOW_32) for prefix in (48, 56, 64))
    return (*carried(address), *shorter)
