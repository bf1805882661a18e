"""Envelope encryption: a secret under a data key, the data key under a key-encryption key.

Both layers are AES-256-GCM. What the secret is for goes in as associated data, so that a
ciphertext which was moved to another row, field, origin or header does not open. The data key
is bound to the row alone: a rewrap under another KEK never makes the plaintext.
"""

import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from dragoman.domain.credential import CREDENTIAL_FIELD, Placement, Sealed, header_field
from dragoman.domain.errors import CredentialUnusable, Invalid, Problem
from dragoman.domain.llm import LLM
from dragoman.vault.keys import KEY_SIZE_BYTES, Keyring
from dragoman.vault.secret import Secret

NONCE_SIZE_BYTES = 12
# Nonces are random. NIST SP 800-38D allows 2**32 of them under one key: a data key seals once,
# and a KEK would have to wrap four thousand million credentials.


class Binding(Struct, frozen=True, kw_only=True, gc=False):
    """What a sealed secret is for. It opens for exactly this and nothing else."""

    organization_id: str
    llm_id: str
    field: str
    """Which of the row's secrets it is."""
    generation: int
    origins: tuple[str, ...]
    """Where it may be sent, sorted."""
    placement: Placement

    def covers(self, other: "Binding") -> bool:
        """Tell whether a secret sealed for this may be used for `other` without being resent."""
        same = (
            (use.organization_id, use.llm_id, use.field, use.placement.effective)
            for use in (self, other)
        )
        return len(set(same)) == 1 and set(other.origins) <= set(self.origins)


def binding(
    llm: LLM, placement: Placement, generation: int, field: str = CREDENTIAL_FIELD
) -> Binding:
    """Say what a secret of an LLM is for: its row, and wherever its endpoints send it."""
    return Binding(
        organization_id=llm.organization_id,
        llm_id=llm.id,
        field=field,
        generation=generation,
        origins=llm.configuration.origins,
        placement=placement,
    )


def header_binding(llm: LLM, name: str, generation: int) -> Binding:
    """Say what the value of an LLM's extra header is for."""
    return binding(llm, Placement(name), generation, header_field(name))


class Vault:
    """Seals and opens the secrets of one deployment."""

    def __init__(self, keyring: Keyring, deployment_id: str) -> None:
        self._keyring = keyring
        self._deployment_id = deployment_id

    def seal(self, secret: Secret, binding: Binding) -> Sealed:
        """Encrypt a secret for one use, under a fresh data key and the active KEK."""
        kek_id = self._keyring.active_id
        dek = secrets.token_bytes(KEY_SIZE_BYTES)
        return Sealed(
            kek_id=kek_id,
            wrapped_dek=_encrypt(self._kek(kek_id), dek, self._key_data(binding, kek_id)),
            ciphertext=_encrypt(dek, secret.reveal().encode(), self._secret_data(binding)),
        )

    def open(self, sealed: Sealed, binding: Binding) -> Secret:
        """Decrypt a secret for the use it was sealed for.

        Raises CredentialUnusable where the KEK is missing or anything differs.
        """
        kek = self._kek(sealed.kek_id)
        try:
            dek = _decrypt(kek, sealed.wrapped_dek, self._key_data(binding, sealed.kek_id))
            text = _decrypt(dek, sealed.ciphertext, self._secret_data(binding)).decode()
        except (InvalidTag, ValueError):
            raise CredentialUnusable(
                "The stored credential does not open: it was not sealed for this LLM, these "
                "origins and this header. Register its secret again."
            ) from None
        return Secret(text)

    def rebind(
        self, sealed: Sealed, old: Binding, new: Binding, member: tuple[str, ...] = ("secret",)
    ) -> Sealed:
        """Seal a stored secret again for a use that is narrower than before.

        Raises Invalid (`secret_required`) where the new use adds an origin or moves the secret
        to another header: whoever may edit a URL must not be able to have a stored secret sent
        to themselves. `member` is what the refusal says has to be sent again.
        """
        if not old.covers(new):
            raise Invalid(
                Problem(
                    member,
                    "changing where the stored secret is sent (scheme, host, port or header) "
                    "needs the secret again in the same request",
                    "secret_required",
                )
            )
        return self.seal(self.open(sealed, old), new)

    def _kek(self, kek_id: str) -> bytes:
        kek = self._keyring.get(kek_id)
        if kek is None:
            raise CredentialUnusable(
                f"The stored credential was sealed under {kek_id}, which is not in the keyring "
                "file. Add that key to the file and restart."
            )
        return kek

    def _key_data(self, binding: Binding, kek_id: str) -> bytes:
        """Encode what a wrapped data key belongs to; JSON, so that no two lists look alike."""
        return msgspec.json.encode(
            ["dek", self._deployment_id, binding.organization_id, binding.llm_id, kek_id]
        )

    def _secret_data(self, binding: Binding) -> bytes:
        *bound, place = msgspec.structs.astuple(binding)
        return msgspec.json.encode(["secret", self._deployment_id, *bound, place.effective])


def _encrypt(key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_SIZE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


def _decrypt(key: bytes, box: bytes, associated_data: bytes) -> bytes:
    nonce, ciphertext = box[:NONCE_SIZE_BYTES], box[NONCE_SIZE_BYTES:]
    return AESGCM(key).decrypt(nonce, ciphertext, associated_data)
