"""Organizations, principals, keys, the audit trail and failures on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from dragoman.dialect.endless import MAX_LISTED
from dragoman.dialects.dragoman.values import (
    Asked,
    Filters,
    Identifier,
    Moment,
    PageParameters,
    Shown,
    Text,
    Time,
)
from dragoman.domain.principal import Role

RoleInput = Annotated[Role, Field(strict=False)]
"""Members arrive as JSON, where a value of an enum is a text."""

OfOrganization = Annotated[
    Text | None, Field(description="Another organization than your own; for operators.")
]


class OrganizationParameters(Filters):
    """Whose things are meant."""

    organization_id: OfOrganization = None


class OrganizationPageParameters(PageParameters):
    """Which page of whose things."""

    organization_id: OfOrganization = None


class OrganizationInput(Asked):
    """A new organization, or a new name."""

    name: str = Field(examples=["Acme"])


class OrganizationPatch(Asked):
    """A change of an organization."""

    name: str = Field(default_factory=str, examples=["Acme"])


class Organization(Shown):
    """A tenant: nothing of one is visible to another."""

    id: Identifier
    name: str
    created_at: Moment


class OrganizationPage(Shown):
    """One page of organizations."""

    items: list[Organization]
    next_page_token: str | None


class PrincipalInput(Asked):
    """A new principal."""

    name: str = Field(examples=["avatar service"])
    role: RoleInput
    organization_id: OfOrganization = None


class PrincipalPatch(Asked):
    """A change of a principal; its keys follow."""

    name: str = Field(default_factory=str)
    role: RoleInput = Field(default_factory=lambda: Role.CALLER)


class Principal(Shown):
    """Someone or something that acts within one organization."""

    id: Identifier
    organization_id: Identifier
    name: str
    role: Role
    created_at: Moment


class PrincipalPage(Shown):
    """One page of principals."""

    items: list[Principal]
    next_page_token: str | None


class KeyInput(Asked):
    """A new key, of a principal that exists or of a new one that has this role."""

    name: str = Field(examples=["avatar service, 2026"])
    role: RoleInput | None = None
    principal_id: str | None = None
    permissions: Annotated[list[str], Field(max_length=MAX_LISTED)] | None = Field(
        default=None,
        description="What it may do of all that its principal may; by default all of it.",
        examples=[["llm:list:any", "llm:use:any"]],
    )
    expires_at: Time | None = Field(default=None, description="By default it does not end.")
    organization_id: OfOrganization = None


class Key(Shown):
    """An API key, without its text."""

    id: Identifier
    organization_id: Identifier
    principal_id: Identifier
    role: Role
    name: str
    permissions: list[str] = Field(description="What it may do, now.")
    state: Literal["active", "expired", "revoked"]
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None


class NewKey(Key):
    """An API key at the only moment when its text is known."""

    key: str = Field(description="The text of the key. It is shown this once.")


class KeyPage(Shown):
    """One page of keys, ended ones too."""

    items: list[Key]
    next_page_token: str | None


class AuditFilters(OrganizationPageParameters):
    """Which entries; all conditions have to hold."""

    actor_id: Text | None = None
    key_id: Text | None = None
    action: Text | None = Field(default=None, examples=["llm.update"])
    target_id: Text | None = None
    llm_id: Text | None = Field(default=None, description="The same as `target_id`.")
    request_id: Text | None = None
    since: Time | None = Field(default=None, description="At or after this time.")
    until: Time | None = Field(default=None, description="Before this time.")


class AuditEntry(Shown):
    """Who did what to which thing, and when; names of members, never values."""

    id: Identifier
    revision: int
    at: Moment
    organization_id: Identifier
    actor_id: str = Field(description="A principal; `operator` where it was done on the server.")
    key_id: str | None
    action: str
    target_id: str
    members: list[str]
    request_id: str | None


class AuditPage(Shown):
    """One page of the audit trail."""

    items: list[AuditEntry]
    next_page_token: str | None


class MyOrganization(Shown):
    """The organization of whoever asks."""

    id: Identifier
    name: str


class MyPrincipal(Shown):
    """The principal that the key acts as."""

    id: Identifier
    name: str
    role: Role


class Me(Shown):
    """Who is asking, and what they may do."""

    organization: MyOrganization
    principal: MyPrincipal
    key_id: str | None
    permissions: list[str]
    expires_at: Moment | None


class ProblemMember(Shown):
    """One member or parameter at fault."""

    path: str = Field(examples=["sampling.temperature"])
    message: str
    code: str


class Problem(Shown):
    """A failure (RFC 9457)."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str
    code: str = Field(description="What programs tell failures apart by; it does not change.")
    request_id: str = Field(description="By which the log and the audit trail know this request.")
    errors: list[ProblemMember] = Field(
        default=[], description="Everything that is wrong with the request, where that is the case."
    )
