"""The file of a Google service account: what is read of it, and what is refused."""

from pathlib import Path

import pytest

from dragoman.secret_sources.service_account_file import (
    ServiceAccountFileError,
    read,
    token_endpoint,
)
from tests.secret_sources.google_server import EMAIL, TOKEN_URI, key_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return key_file(tmp_path / "account.json")


def test_a_file_is_read_and_does_not_show_its_key(file: Path) -> None:
    account = read(file)
    assert (account.email, account.token_uri) == (EMAIL, TOKEN_URI)
    assert token_endpoint(account, None) == TOKEN_URI
    assert "PRIVATE" not in repr(account)
    assert "rsa" not in repr(account).lower()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"type": "authorized_user", "refresh_token": "1//canary"}, "a person's own login"),
        ({"type": "external_account"}, "is not of a service account"),
        ({"type": None}, "is not of a service account"),
        ({"client_email": None}, "is not the whole JSON file"),
        ({"private_key": None}, "is not the whole JSON file"),
        ({"private_key": 7}, "is not the whole JSON file"),
        ({"private_key": "canary"}, "holds no RSA key"),
        ({"token_uri": None}, "is not the whole JSON file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_quotes_nothing(
    tmp_path: Path, members: dict[str, object], said: str
) -> None:
    file = key_file(tmp_path / "account.json", **members)
    with pytest.raises(ServiceAccountFileError) as failed:
        read(file)
    assert said in str(failed.value)
    assert "canary" not in str(failed.value).replace(str(tmp_path), "")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[1]", b"{" * 10_000])
def test_what_is_no_such_file_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "account.json").write_bytes(content)
    with pytest.raises(ServiceAccountFileError, match="is not the whole JSON file"):
        read(tmp_path / "account.json")
    with pytest.raises(ServiceAccountFileError, match="cannot be read: No such file"):
        read(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "token_uri",
    [
        "http://oauth2.googleapis.com/token",
        "https://googleapis.com/token",
        "https://evilgoogleapis.com/token",
        "https://oauth2.googleapis.com.evil.example/token",
        "https://127.0.0.1/token",
        "token",
    ],
)
def test_a_file_may_not_send_the_assertion_elsewhere_unless_the_operator_says_so(
    tmp_path: Path, token_uri: str
) -> None:
    account = read(key_file(tmp_path / "account.json", token_uri=token_uri))
    with pytest.raises(ServiceAccountFileError, match="not https on a host of googleapis"):
        token_endpoint(account, None)
    assert token_endpoint(account, "https://here.example/token") == "https://here.example/token"
