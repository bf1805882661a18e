"""The keys of an installation, opened by a command beside its servers."""

from dragoman.app.bootstrap import BootstrapError
from dragoman.domain.ports import Store
from dragoman.settings import Settings
from dragoman.vault.digests import Digests
from dragoman.vault.envelope import Vault
from dragoman.vault.keys import Keyring


async def opened(settings: Settings, store: Store) -> tuple[Vault, Digests]:
    """Open the key file, and with it what seals and compares secrets.

    Raises BootstrapError where the file is not this installation's, KeyringError, OSError.
    """
    path = settings.kek_path
    if not path.exists():
        raise BootstrapError(
            f"There is no key file {path}. Restore it from your copy, or name it in "
            "DRAGOMAN_KEK_FILE."
        )
    keyring = Keyring.read(path)
    async with store.reading() as work:
        deployment = await work.deployment.get()
        missing = await work.deployment.kek_ids() - keyring.ids
    if missing:
        raise BootstrapError(
            f"The key file {path} lacks {', '.join(sorted(missing))}, which stored credentials "
            "were sealed under. Add it from your copy of the file."
        )
    if deployment is None or deployment.digest_key is None:
        raise BootstrapError("The database is not complete; 'dragoman serve' completes it.")
    vault = Vault(keyring, deployment.id)
    return vault, Digests(vault, deployment.digest_key)
