"""Secrets in the server's own environment: `env://NAME`."""

from dragoman.settings import PREFIX, variable
from dragoman.vault.held import Lent
from dragoman.vault.secret import Secret

SCHEME = "env"

NEVER_ENDING_MS = 2**62
"""A process's environment does not change [ms since 1970]."""

OF_THE_DATABASE = frozenset({"PGPASSWORD"})
"""Where libpq looks for the database's password."""


class EnvironmentSecrets:
    """Lends variables, but for the server's own settings, whatever was granted."""

    async def fetch(self, uri: str) -> Lent | None:
        """Give a variable; None where it is not set or empty."""
        name = uri.removeprefix(f"{SCHEME}://")
        if name.upper().startswith(PREFIX) or name in OF_THE_DATABASE:
            return None
        text = variable(name)
        return None if text is None else Lent(Secret(text), NEVER_ENDING_MS)
