"""The record that goes with each change, in the same transaction."""

from msgspec import Struct


class AuditEntry(Struct, frozen=True, kw_only=True, gc=False):
    """Who did what to which thing, and when; names of members, never values."""

    id: str
    at_ms: int
    organization_id: str
    actor_id: str
    """The principal that acted; 'operator' where it was done on the data directory."""
    key_id: str | None
    """The API key that was used; None where it was done on the data directory."""
    action: str
    """As `llm.update`: noun, dot, verb."""
    target_id: str
    members: tuple[str, ...] = ()
    """The members that changed."""
    request_id: str | None = None
    revision: int = 0
    """The registry's number of this change; 0 before it is stored."""
