"""What is stored of a credential: never the secret itself, only its sealed form."""

from enum import StrEnum

from msgspec import Struct


class CredentialKind(StrEnum):
    """How a stored secret becomes what the upstream checks."""

    API_KEY = "api_key"
    """The secret is sent as it is, in one header."""


class Placement(Struct, frozen=True, gc=False):
    """Which header carries the secret, and what stands before it there."""

    header: str
    prefix: str = ""

    @classmethod
    def named(cls, header: str, prefix: str | None = None) -> "Placement":
        """Complete what a caller said: in `Authorization` a secret is a bearer's by default."""
        if prefix is None:
            prefix = "Bearer " if header.lower() == "authorization" else ""
        return cls(header, prefix)

    @property
    def effective(self) -> tuple[str, str]:
        """What the vault binds: header names do not depend on case."""
        return self.header.lower(), self.prefix


CREDENTIAL_FIELD = "credential"
"""What the vault calls an LLM's credential."""


def header_field(name: str) -> str:
    """Say what the vault calls the value of an extra header."""
    return f"header:{name}"


class Sealed(Struct, frozen=True, gc=False):
    """A secret as it lies on disk: encrypted under a data key that a key-encryption key wraps."""

    kek_id: str
    wrapped_dek: bytes
    ciphertext: bytes


class Credential(Struct, frozen=True, gc=False):
    """One LLM's credential: where it goes is readable, what it is is sealed."""

    kind: CredentialKind
    placement: Placement
    generation: int
    """Counts the secrets this LLM has had; an older ciphertext does not open as a newer one."""
    sealed: Sealed


class ExtraHeader(Struct, frozen=True, gc=False):
    """A header that goes with every call to one LLM; its value counts as a secret."""

    name: str
    """In lower case."""
    generation: int
    sealed: Sealed
