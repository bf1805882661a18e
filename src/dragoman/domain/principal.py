"""Who acts: organizations, principals, their roles and API keys, and how far they see."""

from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    """What a principal is for; `authz.policy` says what each role may do."""

    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"
    CALLER = "caller"


class Organization(Struct, frozen=True, gc=False):
    """A tenant: nothing of one organization is visible to another."""

    id: str
    name: str
    created_at_ms: int


class Principal(Struct, frozen=True, gc=False):
    """Someone or something that acts within one organization."""

    id: str
    organization_id: str
    name: str
    role: Role
    created_at_ms: int


class ApiKey(Struct, frozen=True, gc=False):
    """What is stored of an API key: its digest, never its text."""

    id: str
    organization_id: str
    principal_id: str
    name: str
    digest: bytes
    """SHA-256 of the key's text [32 bytes]."""
    created_at_ms: int
    permissions: tuple[str, ...] | None = None
    """What it may do of all that its principal may, sorted; None: all of it."""
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None


class Scope(Struct, frozen=True, gc=False):
    """How far one action of one caller reaches. Made by `authz` only; every query takes one."""

    organization_id: str
    owner_id: str | None
    """None: whoever in the organization owns it."""
