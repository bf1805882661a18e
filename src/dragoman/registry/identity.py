"""Who somebody is, in their own eyes."""

from msgspec import Struct

from dragoman.authz.check import Actor
from dragoman.domain.ports import Store
from dragoman.domain.principal import Organization, Principal
from dragoman.registry.organizations import found as found_organization
from dragoman.registry.principals import found as found_principal


class Identity(Struct, frozen=True):
    """An actor with names."""

    organization: Organization
    principal: Principal


class Identities:
    """Tells actors who they are; that needs no permission."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def of(self, who: Actor) -> Identity:
        """Read what an actor is called. Raises NotFound where it has just been deleted."""
        async with self._store.reading() as work:
            return Identity(
                await found_organization(work, who.organization_id),
                await found_principal(work, who.organization_id, who.principal_id),
            )
