"""Grants: which organization may use which of the operator's secrets, and where it may be sent."""

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

    def covers(self, held: Held, origins: Iterable[str]) -> bool:
        """Tell whether it allows to send this to all of these origins."""
        return self._names(held) and all(
            any(_fits(origin, granted) for granted in self.origins) for origin in origins
        )

    def _names(self, held: Held) -> bool:
        if isinstance(held, GoogleAdc):
            return self.secret == GOOGLE_ADC
        if self.secret.endswith(EVERYTHING_BELOW):
            begin = self.secret.removesuffix("*")
            return held.uri.startswith(begin) and "/../" not in f"{held.uri}/"
        return held.uri == self.secret


def is_granted(grants: Iterable[Grant], held: Held, origins: Iterable[str]) -> bool:
    """Tell whether one of an organization's grants allows this."""
    wanted = tuple(origins)
    return any(grant.covers(held, wanted) for grant in grants)


def is_google(origin: Origin) -> bool:
    """Tell whether this is a place that Google's credentials may go to."""
    return origin.scheme == "https" and origin.host.endswith(GOOGLE_APIS)


def _fits(origin: str, granted: str) -> bool:
    scheme, wildcard, rest = granted.partition("://*.")
    if not wildcard:
        return origin == granted
    begin = f"{scheme}://"
    return origin.startswith(begin) and origin.endswith(f".{rest}")
