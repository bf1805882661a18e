"""Keyed digests: what tells two connections apart, and what shows that a page token is ours."""

import hashlib
import hmac
import secrets

import msgspec

from dragoman.domain.credential import GoogleAdc, Held, Placement, Sealed
from dragoman.domain.llm import LLM
from dragoman.domain.url import canonical_url
from dragoman.vault.envelope import Binding, Vault
from dragoman.vault.keys import KEY_SIZE_BYTES
from dragoman.vault.secret import Secret

BINDING = Binding(
    organization_id="",
    llm_id="",
    field="digest key",
    generation=1,
    origins=(),
    placement=Placement(""),
)
"""The installation's digest key belongs to no LLM and is sent nowhere."""


def new_digest_key(vault: Vault) -> Sealed:
    """Make an installation's digest key, sealed. Once: fingerprints depend on it."""
    return vault.seal(Secret(secrets.token_hex(KEY_SIZE_BYTES)), BINDING)


class Digests:
    """HMAC-SHA-256 under one key, which never leaves this object."""

    def __init__(self, vault: Vault, sealed: Sealed) -> None:
        """Open the installation's digest key; raises CredentialUnusable."""
        self._key = bytes.fromhex(vault.open(sealed, BINDING).reveal())

    def connection(self, llm: LLM, secret: Secret | None) -> bytes:
        """Give what is equal for two LLMs of one owner that are the same connection [32 bytes].

        The provider does not count, nor does how the URL and the credential were written. Of what
        the operator holds only the name is known, so that two names are two credentials.
        """
        endpoints = llm.configuration.endpoints
        stored = llm.credential
        line: list[object] | None = None
        if stored is not None:
            name, prefix = stored.placement.effective
            if secret is not None:
                line = [name, prefix + secret.reveal()]
            elif stored.held is not None:
                line = [name, prefix, *_identity(stored.held)]
        return self._digest(
            "connection",
            llm.organization_id,
            llm.owner_id,
            canonical_url(endpoints[0].url) if endpoints else None,
            llm.configuration.protocol,
            llm.configuration.model,
            line,
        )

    def exclusive(self, connection: bytes, provider: str | None) -> bytes:
        """Give what is equal for two LLMs that are the same connection to one provider."""
        return self._digest("exclusive", connection.hex(), provider)

    def of_token(self, about: bytes, payload: bytes) -> bytes:
        """Give what shows that a page token was made here, for this list [32 bytes]."""
        return self._digest("page token", about.hex(), payload.hex())

    def _digest(self, purpose: str, *parts: object) -> bytes:
        """Digest a list as JSON, so that no two lists look alike."""
        return hmac.digest(self._key, msgspec.json.encode([purpose, *parts]), hashlib.sha256)


def _identity(held: Held) -> list[object]:
    """Give what tells one secret of the operator's from another."""
    if isinstance(held, GoogleAdc):
        return ["google", sorted(set(held.scopes)), held.quota_project_id]
    return ["reference", held.uri]
