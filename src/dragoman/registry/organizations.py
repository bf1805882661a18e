"""Organizations: made by whoever operates the platform, seen by those who administer them."""

import msgspec

from dragoman.authz.check import Actor, administered, no_organization, permit
from dragoman.authz.policy import Administration
from dragoman.domain.errors import Conflict, NotFound
from dragoman.domain.ids import is_id
from dragoman.domain.page import Page, PageQuery
from dragoman.domain.ports import Clock, ReadWork, Store, WriteWork
from dragoman.domain.principal import Organization
from dragoman.registry.rules import require_name
from dragoman.registry.trail import entry


class Organizations:
    """The use cases around tenants."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, who: Actor, name: str) -> Organization:
        """Make one. Raises Forbidden, Invalid, Conflict (`name_taken`)."""
        permit(who, Administration.PLATFORM)
        require_name(name)
        made = Organization(self._clock.new_id(), name, self._clock.now_ms())
        async with self._store.writing() as work:
            await _refuse_taken(work, name)
            await work.principals.add_organization(made)
            await self._record(work, who, "organization.create", made)
        return made

    async def get(self, who: Actor, organization_id: str) -> Organization:
        """Read one. Raises Forbidden; NotFound for what the actor may not see."""
        async with self._store.reading() as work:
            return await found(work, administered(who, organization_id))

    async def page(self, who: Actor, query: PageQuery) -> Page[Organization]:
        """Read a page: all for whoever operates the platform, else the actor's own."""
        own = administered(who, None)
        async with self._store.reading() as work:
            if Administration.PLATFORM in who.permissions:
                return await work.principals.organizations(query)
            return Page((await found(work, own),))

    async def rename(self, who: Actor, organization_id: str, name: str) -> Organization:
        """Give one another name. Raises Forbidden, NotFound, Invalid, Conflict.

        Names are unique among all, so a tenant who could try them would learn who else is here.
        """
        permit(who, Administration.PLATFORM)
        of = administered(who, organization_id)
        require_name(name)
        async with self._store.writing() as work:
            current = await found(work, of)
            if current.name == name:
                return current
            await _refuse_taken(work, name)
            renamed = msgspec.structs.replace(current, name=name)
            await work.principals.replace_organization(renamed)
            await self._record(work, who, "organization.update", renamed, "name")
        return renamed

    async def named(self, who: Actor, name: str) -> Organization:
        """Find one by its name. Raises Forbidden, NotFound."""
        permit(who, Administration.PLATFORM)
        async with self._store.reading() as work:
            organization = await work.principals.organization_named(name)
        if organization is None:
            raise NotFound(f"There is no organization named '{name}'; see 'dragoman org list'.")
        return organization

    async def _record(
        self, work: WriteWork, who: Actor, action: str, of: Organization, *members: str
    ) -> None:
        await work.audit.record(
            entry(self._clock, who, action, of.id, organization_id=of.id, members=members)
        )


async def found(work: ReadWork | WriteWork, organization_id: str) -> Organization:
    """Find one by its id. Raises NotFound."""
    organization = None
    if is_id(organization_id):
        organization = await work.principals.organization(organization_id)
    if organization is None:
        raise no_organization()
    return organization


async def _refuse_taken(work: WriteWork, name: str) -> None:
    if await work.principals.organization_named(name) is not None:
        raise Conflict("Another organization has this name already.", code="name_taken")
