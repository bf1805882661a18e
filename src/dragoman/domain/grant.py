"""Grants: which organization may use which of the operator's secrets, and where it may be sent."""

import re
from collections.abc import Iterable

from msgspec import Struct

from dragoman.domain.credential import GoogleAdc, Held
from dragoman.domain.url import Origin

GOOGLE_ADC = "google-adc"
"""What a grant calls the operator's Google credentials."""

EVERYTHING_BELOW = "/*"
"""How the name of a grant ends that stands for all names which begin like it."""

GOOGLE_APIS = ".googleapis.com"
"""Where Google's tokens may be sent: whoever receives one can use it for anything of its scopes."""


class Grant(Struct, frozen=True, gc=False):
    """One permission, given by the operator alone."""

    id: str
    organization_id: str
    secret: str
    """The reference's URI, one that ends in `/*`, or `google-adc`."""
    origins: tuple[str, ...]
    """Where it may be sent, as `https://api.openai.com:443`; `https://*.example.com:443` stands for
    every host below. Sorted."""
    created_at_ms: int

    def names(self, held: Held) -> bool:
        """Tell whether this is what it lets an organization use."""
        if isinstance(held, GoogleAdc):
            return self.secret == GOOGLE_ADC
        if self.secret.endswith(EVERYTHING_BELOW):
            return held.uri.startswith(self.secret.removesuffix("*")) and not climbs(held.uri)
        return held.uri == self.secret

    def reaches(self, origin: str) -> bool:
        """Tell whether it may be sent there."""
        return any(_fits(origin, granted) for granted in self.origins)


def is_granted(grants: Iterable[Grant], held: Held, origins: Iterable[str]) -> bool:
    """Tell whether an organization's grants together allow to send this to all these origins."""
    about = [grant for grant in grants if grant.names(held)]
    return bool(about) and all(any(grant.reaches(origin) for grant in about) for origin in origins)


def name_of(held: Held) -> str:
    """Give what a grant of just this calls it."""
    return GOOGLE_ADC if isinstance(held, GoogleAdc) else held.uri


def climbs(uri: str) -> bool:
    """Tell whether a step of a reference's path leads up or nowhere, whatever it begins with."""
    return not {".", ".."}.isdisjoint(re.split("[/#]", uri))


def is_google(origin: Origin) -> bool:
    """Tell whether Google's tokens may go there; the host may be a wildcard."""
    return origin.scheme == "https" and origin.host.endswith(GOOGLE_APIS)


def _fits(origin: str, granted: str) -> bool:
    scheme, wildcard, rest = granted.partition("://*.")
    if not wildcard:
        return origin == granted
    begin = f"{scheme}://"
    return origin.startswith(begin) and origin.endswith(f".{rest}")
