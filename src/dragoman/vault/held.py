"""Secrets that the operator holds, as those who use them see them."""

from collections.abc import Collection
from typing import Protocol

from msgspec import Struct

from dragoman.domain.credential import Held
from dragoman.vault.secret import Secret


class Lent(Struct, frozen=True):
    """A secret for a while."""

    secret: Secret
    good_until_ms: int
    """When it has to be asked for again [ms since 1970]."""


class HeldSecrets(Protocol):
    """Where the operator's secrets come from, as far as they are granted."""

    async def lend(self, organization_id: str, held: Held, origins: Collection[str]) -> Lent:
        """Give a secret that may be sent to these origins.

        Raises CredentialUnusable: in the same words where it is not granted and where it is not
        there, and in others where its source cannot be reached.
        """
        ...
