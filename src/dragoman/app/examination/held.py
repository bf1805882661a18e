"""Whether the sources of secrets that the settings name can be asked."""

from collections.abc import AsyncIterator
from pathlib import Path

from dragoman.app import secret_sources
from dragoman.app.clock import SystemClock
from dragoman.app.examination.finding import Finding, ok, problem
from dragoman.app.source_settings import METADATA, require_usable
from dragoman.domain.errors import CredentialUnusable
from dragoman.secret_sources.remembered import told
from dragoman.secret_sources.service_account_file import ServiceAccountFileError
from dragoman.settings import Settings, SettingsError


async def settings_fit(settings: Settings) -> AsyncIterator[Finding]:
    """Look at the settings together, as a start does."""
    try:
        require_usable(settings)
    except SettingsError as error:
        yield problem("settings", str(error))


async def secret_files(settings: Settings) -> AsyncIterator[Finding]:
    """Look at the folder of files that may be granted."""
    if settings.secret_files is not None and _is_folder(settings.secret_files):
        yield ok("secret files", f"Files below {settings.secret_files} may be granted.")


async def vault(settings: Settings) -> AsyncIterator[Finding]:
    """Ask the vault whether it accepts our token."""
    address = settings.vault_address
    if address is None:
        return
    try:
        source, pool = secret_sources.vault_of(settings, address, SystemClock())
    except OSError:
        return  # the look at certificates has told
    try:
        await source.require_token()
    except CredentialUnusable as error:
        yield problem("vault", f"{address}: {told(error)}")
    else:
        yield ok("vault", f"{address} accepts the token.")
    finally:
        await pool.close()


async def google(settings: Settings) -> AsyncIterator[Finding]:
    """Fetch an access token, and forget it."""
    credentials = settings.google_credentials
    if credentials is None:
        return
    try:
        source, pool = secret_sources.google_of(settings, credentials, SystemClock())
    except (ServiceAccountFileError, OSError):
        return  # `settings_fit`, or the look at certificates, has told
    try:
        await source.require_token()
    except CredentialUnusable as error:
        yield problem("google", told(error))
    else:
        whose = "the machine" if credentials == METADATA else "the service account"
        yield ok("google", f"There is an access token of {whose}.")
    finally:
        await pool.close()


def _is_folder(path: str) -> bool:
    return Path(path).is_dir()
