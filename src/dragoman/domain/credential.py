"""What is stored of a credential: never the secret, only its sealed form, or who holds it."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class CredentialKind(StrEnum):
    """Where the secret comes from that the upstream checks."""

    API_KEY = "api_key"
    """It is stored here, sealed, and sent as it is."""
    SECRET_REFERENCE = "secret_reference"  # noqa: S105  # the name of a kind
    """The operator holds it under a name, and it is sent as it is."""
    GOOGLE_ADC = "google_adc"
    """It is an access token, made from the operator's Google credentials."""


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


class SecretReference(Struct, frozen=True, gc=False, tag=CredentialKind.SECRET_REFERENCE.value):
    """The name of a secret that the operator holds."""

    uri: str
    """`env://NAME`, `file:///absolute/path`, or `vault://mount/path#field` (KV version 2)."""
    hints: Mapping[str, str] = {}
    """What the caller wrote beside it; shown again, and not acted on."""


class GoogleAdc(Struct, frozen=True, gc=False, tag=CredentialKind.GOOGLE_ADC.value):
    """The operator's Google credentials, for access tokens of these scopes."""

    scopes: tuple[str, ...] = ()
    """Empty: `https://www.googleapis.com/auth/cloud-platform`."""
    quota_project_id: str | None = None
    """The project that is billed, where it is not the credentials' own."""


Held = SecretReference | GoogleAdc
"""What the operator holds and grants the use of (`domain.grant`). Nothing of it is stored."""


class Credential(Struct, frozen=True, gc=False):
    """One LLM's credential: where it goes is readable, what it is is not."""

    placement: Placement
    generation: int
    """Counts the secrets this LLM has had; an older ciphertext does not open as a newer one."""
    sealed: Sealed | None = None
    """None where the operator holds it."""
    held: Held | None = None
    """None where it is sealed here."""
    labels: Mapping[str, str] = {}
    """Its maker's notes about it."""

    @property
    def kind(self) -> CredentialKind:
        """Say where the secret comes from."""
        match self.held:
            case SecretReference():
                return CredentialKind.SECRET_REFERENCE
            case GoogleAdc():
                return CredentialKind.GOOGLE_ADC
            case None:
                return CredentialKind.API_KEY


class ExtraHeader(Struct, frozen=True, gc=False):
    """A header that goes with every call to one LLM; its value counts as a secret."""

    name: str
    """In lower case."""
    generation: int
    sealed: Sealed
