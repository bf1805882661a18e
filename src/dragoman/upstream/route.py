"""Which way a connection goes: straight to an address that was judged, or through a proxy."""

from ipaddress import ip_address

from dragoman.domain.errors import EgressRefused, Stage, UpstreamUnreachable
from dragoman.domain.url import Origin
from dragoman.upstream.address import ends_in_number, literal, named_by
from dragoman.upstream.egress import SETTING, EgressPolicy


def callable_addresses(
    policy: EgressPolicy, origin: Origin, found: list[str], *, plain_credential: bool
) -> list[str]:
    """Keep, of a host's addresses, those that may be called. Raises EgressRefused for none."""
    refusals = {
        text: policy.address_refusal(ip_address(text), plain_http_with_credential=plain_credential)
        for text in found
    }
    allowed = [text for text, refusal in refusals.items() if refusal is None]
    if not allowed:
        raise _refused(origin, str(next(iter(refusals.values()))))
    return allowed


def addresses_past_proxy(
    policy: EgressPolicy, origin: Origin, found: list[str], *, plain_credential: bool
) -> list[str]:
    """Give the addresses to call although there is a proxy: those that the operator has listed.

    With none, the proxy is to be asked. It looks the name up again, perhaps with another answer,
    so a name is handed to it only if nothing that is known of it here speaks against that: every
    address in the answer may be called, and it is not a name with a meaning of its own on the
    proxy's machine. Raises EgressRefused and UpstreamUnreachable.
    """
    listed = [text for text in found if policy.lists(ip_address(text))]
    if listed:
        return callable_addresses(policy, origin, listed, plain_credential=plain_credential)
    for address in [*map(ip_address, found), *named_by(origin.host)]:
        refusal = policy.address_refusal(address, plain_http_with_credential=plain_credential)
        if refusal is not None:
            raise _refused(origin, refusal)
    if plain_credential:
        raise _refused(
            origin,
            "A credential is sent over plain http only to an address that is listed in "
            f"{SETTING}, and its host does not resolve here. Use https.",
        )
    if literal(origin.host) is None and (named_by(origin.host) or ends_in_number(origin.host)):
        raise UpstreamUnreachable(
            f"{origin} cannot be reached: its host does not resolve here, and to the proxy it may "
            "mean something else.",
            stage=Stage.DNS,
        )
    return []


def _refused(origin: Origin, why: str) -> EgressRefused:
    return EgressRefused(f"{origin} is not called: {why}")
