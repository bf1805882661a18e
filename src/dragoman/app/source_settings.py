"""Whether the settings of secret sources fit each other, and what they name is there."""

from pathlib import Path

from dragoman.secret_sources.service_account_file import (
    ServiceAccountFileError,
    read,
    token_endpoint,
)
from dragoman.settings import Settings, SettingsError

METADATA = "metadata"
"""In place of a file: Google's credentials are the machine's own."""


def require_usable(settings: Settings) -> None:
    """Check them before anything is made. Raises SettingsError, which begins with the variable.

    The file of the vault's token may come later: an agent writes it.
    """
    _require_folder(settings)
    _require_whole_vault(settings)
    _require_google(settings)


def _require_folder(settings: Settings) -> None:
    if settings.secret_files is not None and not Path(settings.secret_files).is_dir():
        raise SettingsError(f"DRAGOMAN_SECRET_FILES: there is no folder {settings.secret_files}.")


def _require_whole_vault(settings: Settings) -> None:
    if settings.vault_address is None:
        for name in ("vault_token", "vault_token_file", "vault_namespace"):
            if getattr(settings, name) is not None:
                raise SettingsError(
                    f"DRAGOMAN_{name.upper()}: needs DRAGOMAN_VAULT_ADDRESS, the server it is for."
                )
    elif settings.vault_token is None and settings.vault_token_file is None:
        raise SettingsError(
            "DRAGOMAN_VAULT_ADDRESS: needs a token; name its file in DRAGOMAN_VAULT_TOKEN_FILE."
        )
    elif settings.vault_token is not None and settings.vault_token_file is not None:
        raise SettingsError(
            "DRAGOMAN_VAULT_TOKEN: there is DRAGOMAN_VAULT_TOKEN_FILE too; leave one of them out."
        )


def _require_google(settings: Settings) -> None:
    credentials, endpoint = settings.google_credentials, settings.google_token_endpoint
    if endpoint is not None and credentials in {None, METADATA}:
        raise SettingsError(
            "DRAGOMAN_GOOGLE_TOKEN_ENDPOINT: is for the file of a service account; name it in "
            "DRAGOMAN_GOOGLE_CREDENTIALS, or leave this out."
        )
    if credentials is None or credentials == METADATA:
        return
    try:
        token_endpoint(read(Path(credentials)), endpoint)
    except ServiceAccountFileError as error:
        raise SettingsError(f"DRAGOMAN_GOOGLE_CREDENTIALS: {error}") from None
