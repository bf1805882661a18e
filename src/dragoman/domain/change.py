"""What one committed change of the registry was about, as other processes hear of it."""

from enum import StrEnum

from msgspec import Struct


class Noun(StrEnum):
    """What kind of thing changed; the part of an audit action before its dot."""

    LLM = "llm"
    ORGANIZATION = "organization"
    PRINCIPAL = "principal"
    KEY = "key"
    GRANT = "grant"
    """A secret of the operator's that an organization may use."""


class Change(Struct, frozen=True, gc=False):
    """One change. Commit order is number order, and no number is missing."""

    revision: int
    """The registry's number of this change."""
    noun: Noun
    organization_id: str
    target_id: str
