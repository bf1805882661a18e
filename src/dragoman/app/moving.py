"""Moving an installation from its SQLite file to PostgreSQL, with everything checked on the way."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from dragoman.app.bootstrap import BootstrapError
from dragoman.app.presence import without_servers
from dragoman.domain.errors import Unavailable
from dragoman.registry.secrets import Secrets
from dragoman.settings import Settings
from dragoman.storage import carrying, schema
from dragoman.storage.carrying import Carried
from dragoman.storage.database import PostgresUrl
from dragoman.storage.survey import Survey
from dragoman.vault.digests import Digests
from dragoman.vault.envelope import Vault
from dragoman.vault.keys import Keyring


class Watched(Struct, frozen=True):
    """Who hears how far it is."""

    begins: Callable[[int], None]
    """How many rows there are; each is copied and read back."""
    progress: carrying.Progress


def move(settings: Settings, to: PostgresUrl, watched: Watched) -> Carried:
    """Carry everything over, or leave both sides as they were.

    Raises BootstrapError where a server runs or a secret does not open; SchemaError, Unavailable,
    SettingsError, KeyringError, CommitUnknown, OSError, sqlite3's errors.
    """
    schema.require(settings.database_path)
    keyring = Keyring.read(settings.kek_path)
    with (
        without_servers(settings.data_path),
        carrying.source(settings.database_path) as source,
        carrying.target(to) as target,
    ):
        broken = asyncio.run(_broken(Survey(source.read), keyring))
        if broken:
            raise BootstrapError(
                f"The secrets of {broken} LLMs do not open as it is; 'dragoman doctor' names "
                "them. Restore the key file, or register these secrets again; then move."
            )
        watched.begins(source.count())
        carried = carrying.carry(source, target, watched.progress)
        if asyncio.run(_broken(Survey(target.read), keyring)):
            raise Unavailable("Secrets that open in the source did not open in the target.")
    return carried


async def _broken(survey: Survey, keyring: Keyring) -> int:
    """Open every stored secret; gives how many LLMs have one that does not open.

    Raises CredentialUnusable where not even the installation's own key opens.
    """
    deployment = await survey.deployment()
    if deployment is None or deployment.digest_key is None:
        raise BootstrapError("The database is not complete; 'dragoman serve' completes it.")
    vault = Vault(keyring, deployment.id)
    Digests(vault, deployment.digest_key)
    secrets = Secrets(vault)
    return sum([1 async for llm in survey.all_llms() if not secrets.all_open(llm)])
