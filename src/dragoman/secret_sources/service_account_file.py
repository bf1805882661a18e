"""The JSON file of a Google service account, as Google's console makes it."""

from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from dragoman.domain.grant import is_google
from dragoman.domain.url import parse_origin, url_problem

MAX_FILE_BYTES = 64 * 1024

HOW_TO_MAKE_ONE = (
    "Make a key of a service account (gcloud iam service-accounts keys create), or write "
    "'metadata' where this machine has a service account of its own."
)


class ServiceAccountFileError(ValueError):
    """A file that cannot be used, in a sentence that quotes nothing of it."""


class ServiceAccount(Struct, frozen=True):
    """Who we are to Google, and the key that shows it."""

    email: str
    key: RSAPrivateKey
    key_id: str | None
    token_uri: str

    def __repr__(self) -> str:
        return f"ServiceAccount({self.email!r})"


class _Kind(Struct):
    type: str = ""


class _File(Struct):
    type: Literal["service_account"]
    client_email: str
    private_key: str
    token_uri: str
    private_key_id: str | None = None


def read(path: Path) -> ServiceAccount:
    """Read the file of a service account. Raises ServiceAccountFileError."""
    content = _content(path)
    try:
        kind = msgspec.json.decode(content, type=_Kind).type
        if kind == "authorized_user":
            raise ServiceAccountFileError(
                f"{path} holds a person's own login, which a server does not borrow. "
                f"{HOW_TO_MAKE_ONE}"
            )
        if kind != "service_account":
            raise ServiceAccountFileError(f"{path} is not of a service account. {HOW_TO_MAKE_ONE}")
        file = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ServiceAccountFileError(
            f"{path} is not the whole JSON file of a service account. {HOW_TO_MAKE_ONE}"
        ) from None
    return ServiceAccount(
        file.client_email, _key(path, file.private_key), file.private_key_id, file.token_uri
    )


def token_endpoint(account: ServiceAccount, given: str | None) -> str:
    """Say where tokens come from: where the operator says, or where the file says if it is Google.

    Raises ServiceAccountFileError, because what is sent there lets its receiver have a token.
    """
    url = given or account.token_uri
    if given is None and (url_problem(url) is not None or not is_google(parse_origin(url))):
        raise ServiceAccountFileError(
            "the file's token_uri is not https on a host of googleapis.com; if that is meant, name "
            "it in DRAGOMAN_GOOGLE_TOKEN_ENDPOINT."
        )
    return url


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise ServiceAccountFileError(f"{path} cannot be read: {error.strerror}.") from None


def _key(path: Path, pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ServiceAccountFileError(f"{path} holds no RSA key that can be used.")
    return key
