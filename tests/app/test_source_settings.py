"""Settings of secret sources: a start refuses those that do not fit each other."""

from pathlib import Path

import pytest

from dragoman.app.source_settings import require_usable
from dragoman.settings import Settings, SettingsError
from tests.secret_sources.google_server import key_file
from tests.secret_sources.vault_server import TOKEN

VAULT = "https://vault.internal:8200"

UNUSABLE = [
    (
        {"secret_files": "/nowhere/secrets"},
        "DRAGOMAN_SECRET_FILES: there is no folder /nowhere/secrets.",
    ),
    (
        {"vault_token": TOKEN},
        "DRAGOMAN_VAULT_TOKEN: needs DRAGOMAN_VAULT_ADDRESS, the server it is for.",
    ),
    ({"vault_token_file": "/run/token"}, "DRAGOMAN_VAULT_TOKEN_FILE: needs DRAGOMAN_VAULT_ADDRESS"),
    ({"vault_namespace": "team"}, "DRAGOMAN_VAULT_NAMESPACE: needs DRAGOMAN_VAULT_ADDRESS"),
    ({"vault_address": VAULT}, "DRAGOMAN_VAULT_ADDRESS: needs a token;"),
    (
        {"vault_address": VAULT, "vault_token": TOKEN, "vault_token_file": "/run/token"},
        "DRAGOMAN_VAULT_TOKEN: there is DRAGOMAN_VAULT_TOKEN_FILE too;",
    ),
    (
        {"google_credentials": "/nowhere/account.json"},
        "DRAGOMAN_GOOGLE_CREDENTIALS: /nowhere/account.json cannot be read: No such file",
    ),
    (
        {"google_token_endpoint": "https://here.example/token"},
        "DRAGOMAN_GOOGLE_TOKEN_ENDPOINT: is for the file of a service account;",
    ),
    (
        {"google_credentials": "metadata", "google_token_endpoint": "https://here.example/token"},
        "DRAGOMAN_GOOGLE_TOKEN_ENDPOINT: is for the file of a service account;",
    ),
]


@pytest.mark.parametrize(("settings", "said"), UNUSABLE)
def test_a_start_refuses_what_does_not_fit(settings: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        require_usable(Settings(**settings))  # type: ignore[arg-type]
    assert str(refused.value).startswith(said)
    assert str(refused.value).endswith(".")
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"type": "authorized_user"}, "a person's own login"),
        ({"token_uri": "https://evil.example/token"}, "not https on a host of googleapis.com"),
    ],
)
def test_a_start_refuses_a_google_file_that_cannot_be_used(
    tmp_path: Path, members: dict[str, object], said: str
) -> None:
    file = key_file(tmp_path / "account.json", **members)
    with pytest.raises(SettingsError, match=said):
        require_usable(Settings(google_credentials=str(file)))


def test_what_fits_is_taken(tmp_path: Path) -> None:
    require_usable(Settings())
    require_usable(Settings(google_credentials="metadata", secret_files=str(tmp_path)))
    file = str(key_file(tmp_path / "account.json"))
    require_usable(Settings(google_credentials=file, vault_address=VAULT, vault_token=TOKEN))
    later = str(tmp_path / "not-there-yet")
    require_usable(Settings(vault_address=VAULT, vault_token_file=later))
