"""Principals: list, make, read, change, delete."""

from typing import Annotated

from fastapi import Query, Response

from dragoman.dialect.route import CallingActor
from dragoman.dialect.times import write_time
from dragoman.dialects.dragoman import schema
from dragoman.dialects.dragoman.locations import location
from dragoman.dialects.dragoman.paging import Listing
from dragoman.dialects.dragoman.services import Services
from dragoman.dialects.dragoman.values import NoParameters
from dragoman.domain.principal import Principal

Paging = Annotated[schema.OrganizationPageParameters, Query()]
Of = Annotated[schema.OrganizationParameters, Query()]
Nothing = Annotated[NoParameters, Query()]


class PrincipalRoutes:
    """What each route does: read, do, write."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def page(self, actor: CallingActor, asked: Paging) -> schema.PrincipalPage:
        """Page through an organization's principals, newest first."""
        listing = Listing(self._services.page_tokens, actor, "principals", asked)
        page = await self._services.principals.page(actor, listing.query, asked.organization_id)
        return schema.PrincipalPage(
            items=[_shown(each) for each in page.items], next_page_token=listing.next_token(page)
        )

    async def create(
        self, actor: CallingActor, body: schema.PrincipalInput, response: Response, _: Nothing
    ) -> schema.Principal:
        """Make a principal."""
        made = await self._services.principals.create(
            actor, body.name, body.role, body.organization_id
        )
        response.headers["Location"] = location("principals", made.id)
        return _shown(made)

    async def get(self, actor: CallingActor, principal_id: str, asked: Of) -> schema.Principal:
        """Read a principal."""
        found = await self._services.principals.get(actor, principal_id, asked.organization_id)
        return _shown(found)

    async def change(
        self, actor: CallingActor, principal_id: str, body: schema.PrincipalPatch, asked: Of
    ) -> schema.Principal:
        """Give a principal another name or role; its keys follow within a second."""
        changed = await self._services.principals.update(
            actor,
            principal_id,
            **body.model_dump(exclude_unset=True),
            organization_id=asked.organization_id,
        )
        return _shown(changed)

    async def delete(self, actor: CallingActor, principal_id: str, asked: Of) -> Response:
        """Remove a principal and its keys; refused while it owns LLMs."""
        await self._services.principals.delete(actor, principal_id, asked.organization_id)
        return Response(status_code=204)


def _shown(principal: Principal) -> schema.Principal:
    return schema.Principal(
        id=principal.id,
        organization_id=principal.organization_id,
        name=principal.name,
        role=principal.role,
        created_at=write_time(principal.created_at_ms),
    )
