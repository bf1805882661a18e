"""Which addresses this installation may call: public ones, and what the operator has listed."""

from collections.abc import Iterable
from ipaddress import IPv6Network, ip_network

from dragoman.domain.url import parse_origin
from dragoman.upstream.address import carried, named_by, plain, possibly_carried
from dragoman.upstream.ranges import CLOSED, METADATA, NAT64, IPAddress, IPNetwork

SETTING = "DRAGOMAN_EGRESS_ALLOW"


class EgressPolicy:
    """Judges addresses; implements the port `EndpointPolicy`.

    `allowed` is what the operator has listed. Being listed opens an address, and is the permission
    to send a credential there over plain http. A cloud's metadata address opens only by an entry
    that is exactly this one address.
    """

    def __init__(self, allowed: Iterable[IPNetwork] = ()) -> None:
        self._allowed = tuple(allowed)

    def url_refusal(self, url: str, *, carries_credential: bool) -> str | None:
        """Say why a valid URL may not be saved, or None; looks at its text only, no DNS."""
        origin = parse_origin(url)
        refusals = [
            self.address_refusal(
                address,
                plain_http_with_credential=carries_credential and origin.scheme == "http",
            )
            for address in named_by(origin.host)
        ]
        return None if None in refusals else next(iter(refusals), None)

    def address_refusal(
        self, address: IPAddress, *, plain_http_with_credential: bool
    ) -> str | None:
        """Say, in a sentence with the next step, why this address may not be called, or None."""
        address = plain(address)
        for inner in (address, *possibly_carried(address)):
            if inner in METADATA and ip_network(inner) not in self._allowed:
                return (
                    f"{_told(address, inner)} is {METADATA[inner]}, which hands out credentials. "
                    f"It stays closed unless {SETTING} names exactly {_entry(inner)}."
                )
        for inner in (address, *carried(address)):
            what = _closed_as(inner)
            if what is not None and not self._lists(inner):
                return (
                    f"{_told(address, inner)} is {what}, and only public addresses are called. "
                    f"To open it, add {_entry(inner)} or its network to {SETTING}."
                )
        if plain_http_with_credential and not self._lists(address):
            return (
                "A credential is sent over plain http only to an address that is listed in "
                f"{SETTING}. Use https, or add {_entry(address)} there."
            )
        return None

    def lists(self, address: IPAddress) -> bool:
        """Tell whether the operator has listed an address or its network."""
        return self._lists(plain(address))

    def _lists(self, address: IPAddress) -> bool:
        return any(address in network for network in self._allowed)


def parse_networks(text: str) -> tuple[IPNetwork, ...]:
    """Read a list of addresses and CIDR networks, separated by commas.

    Raises ValueError, in a sentence that quotes the entry, if one of them is neither.
    """
    return tuple(_network(entry) for part in text.split(",") if (entry := part.strip()))


def _network(entry: str) -> IPNetwork:
    try:
        if "%" in entry:
            raise ValueError("a zone is no part of a network")
        network = ip_network(entry)
    except ValueError:
        raise ValueError(
            f"{entry!r} is not an address or a network; write it like 10.0.0.0/8, "
            "with no bits set behind the mask, or like 127.0.0.1"
        ) from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ValueError(f"{entry!r} is IPv4 in the form of IPv6; write the IPv4 network itself")
    return network


def _closed_as(address: IPAddress) -> str | None:
    """Say what an address is that only an operator opens, or None for public unicast."""
    if address in NAT64:
        return None  # what it carries is judged instead
    return next((what for network, what in CLOSED if address in network), None)


def _entry(address: IPAddress) -> str:
    return str(ip_network(address))


def _told(address: IPAddress, inner: IPAddress) -> str:
    return str(address) if inner == address else f"{address} leads to {inner}, which"
