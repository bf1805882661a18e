"""Who is asking."""

from typing import Annotated

from fastapi import Query

from dragoman.dialect.route import CallingActor
from dragoman.dialect.times import write_time
from dragoman.dialects.dragoman import schema
from dragoman.dialects.dragoman.services import Services
from dragoman.dialects.dragoman.values import NoParameters

Nothing = Annotated[NoParameters, Query()]


class MeRoutes:
    """What the route does: read, write."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def get(self, actor: CallingActor, _: Nothing) -> schema.Me:
        """Read who your key acts as, and what it may do."""
        me = await self._services.identities.of(actor)
        return schema.Me(
            organization=schema.MyOrganization(id=me.organization.id, name=me.organization.name),
            principal=schema.MyPrincipal(
                id=me.principal.id, name=me.principal.name, role=me.principal.role
            ),
            key_id=actor.key_id,
            permissions=sorted(actor.permissions),
            expires_at=None if actor.expires_at_ms is None else write_time(actor.expires_at_ms),
        )
