"""Principals: who acts within an organization."""

from collections.abc import Collection

import msgspec

from dragoman.authz.check import Actor, administered, within
from dragoman.authz.policy import Permission, role_permissions
from dragoman.domain.errors import Conflict, Invalid, NotFound, Problem
from dragoman.domain.ids import is_id
from dragoman.domain.page import Page, PageQuery
from dragoman.domain.ports import Clock, ReadWork, Store, WriteWork
from dragoman.domain.principal import Principal, Role
from dragoman.registry.organizations import found as found_organization
from dragoman.registry.rules import require_name
from dragoman.registry.trail import entry


class Principals:
    """The use cases around those who act. `organization_id` None is the actor's own."""

    def __init__(
        self, *, store: Store, clock: Clock, credential_readers: Collection[Role] = ()
    ) -> None:
        """`credential_readers` are the roles that see what is stored of credentials."""
        self._store = store
        self._clock = clock
        self._readers = credential_readers

    async def create(
        self, who: Actor, name: str, role: Role, organization_id: str | None = None
    ) -> Principal:
        """Make one. Raises Forbidden, NotFound (of the organization), Invalid."""
        of = administered(who, organization_id)
        async with self._store.writing() as work:
            await found_organization(work, of)
            new = Principal(self._clock.new_id(), of, name, role, self._clock.now_ms())
            return await add_principal(work, self._clock, who, new, self._readers)

    async def get(
        self, who: Actor, principal_id: str, organization_id: str | None = None
    ) -> Principal:
        """Read one. Raises Forbidden; NotFound for what the actor may not see."""
        of = administered(who, organization_id)
        async with self._store.reading() as work:
            return await found(work, of, principal_id)

    async def page(
        self, who: Actor, query: PageQuery, organization_id: str | None = None
    ) -> Page[Principal]:
        """Read a page, newest first. Raises Forbidden, NotFound (of the organization)."""
        of = administered(who, organization_id)
        async with self._store.reading() as work:
            await found_organization(work, of)
            return await work.principals.principals(of, query)

    async def update(
        self,
        who: Actor,
        principal_id: str,
        *,
        name: str | None = None,
        role: Role | None = None,
        organization_id: str | None = None,
    ) -> Principal:
        """Give one another name or role; its keys follow. Raises Forbidden, NotFound, Invalid."""
        of = administered(who, organization_id)
        async with self._store.writing() as work:
            current = await found(work, of, principal_id)
            changed = msgspec.structs.replace(
                current, name=current.name if name is None else name, role=role or current.role
            )
            members = tuple(
                member
                for member in ("name", "role")
                if getattr(current, member) != getattr(changed, member)
            )
            if not members:
                return current
            require_name(changed.name)
            if "role" in members:
                within(who, of, _meant(changed.role, of, self._readers), changed.id)
            await work.principals.replace_principal(changed)
            await work.audit.record(
                entry(
                    self._clock,
                    who,
                    "principal.update",
                    changed.id,
                    organization_id=of,
                    members=members,
                )
            )
        return changed

    async def delete(
        self, who: Actor, principal_id: str, organization_id: str | None = None
    ) -> None:
        """Forget one and its keys. Raises Forbidden, NotFound, Conflict while it owns LLMs."""
        of = administered(who, organization_id)
        async with self._store.writing() as work:
            principal = await found(work, of, principal_id)
            if await work.principals.owns_llms(principal):
                raise Conflict(
                    "This principal owns LLMs; delete those first.", code="principal_owns_llms"
                )
            await work.principals.remove_principal(principal)
            await work.audit.record(
                entry(self._clock, who, "principal.delete", principal.id, organization_id=of)
            )


async def found(work: ReadWork | WriteWork, organization_id: str, principal_id: str) -> Principal:
    """Find one by its id. Raises NotFound."""
    principal = None
    if is_id(principal_id):
        principal = await work.principals.principal(organization_id, principal_id)
    if principal is None:
        raise NotFound("There is no principal with this id.")
    return principal


def _meant(
    role: Role, organization_id: str, credential_readers: Collection[Role]
) -> frozenset[Permission]:
    """Give what a role allows. Raises Invalid where it is nothing at all."""
    permissions = role_permissions(role, organization_id, credential_readers)
    if not permissions:
        raise Invalid(
            Problem(("role",), "means nothing in the platform's organization; use admin", "invalid")
        )
    return permissions


async def add_principal(
    work: WriteWork,
    clock: Clock,
    who: Actor,
    new: Principal,
    credential_readers: Collection[Role] = (),
) -> Principal:
    """Store one within a transaction that is under way. Raises Forbidden, Invalid."""
    of = new.organization_id
    require_name(new.name)
    within(who, of, _meant(new.role, of, credential_readers))
    await work.principals.add_principal(new)
    await work.audit.record(entry(clock, who, "principal.create", new.id, organization_id=of))
    return new
