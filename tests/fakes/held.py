"""An operator's secrets in memory."""

from collections.abc import Collection

from dragoman.domain.credential import Held, SecretReference
from dragoman.domain.errors import CredentialUnusable
from dragoman.vault.held import Lent
from dragoman.vault.secret import Secret

FOR_EVER_MS = 2**62


class FakeHeldSecrets:
    """Lends what it was made with, by URI, to everybody; counts what it was asked for."""

    def __init__(self, good_until_ms: int = FOR_EVER_MS, **secrets: str) -> None:
        self.secrets = {f"env://{name}": text for name, text in secrets.items()}
        self.good_until_ms = good_until_ms
        self.asked: list[tuple[str, Held, tuple[str, ...]]] = []

    async def lend(self, organization_id: str, held: Held, origins: Collection[str]) -> Lent:
        self.asked.append((organization_id, held, tuple(origins)))
        if not isinstance(held, SecretReference) or held.uri not in self.secrets:
            raise CredentialUnusable("There is no such secret.")
        return Lent(Secret(self.secrets[held.uri]), self.good_until_ms)
