"""Organizations: list, make, read, rename."""

from typing import Annotated

from fastapi import Query, Response

from dragoman.dialect.route import CallingActor
from dragoman.dialect.times import write_time
from dragoman.dialects.dragoman import schema
from dragoman.dialects.dragoman.locations import location
from dragoman.dialects.dragoman.paging import Listing
from dragoman.dialects.dragoman.services import Services
from dragoman.dialects.dragoman.values import NoParameters, PageParameters
from dragoman.domain.principal import Organization

Paging = Annotated[PageParameters, Query()]
Nothing = Annotated[NoParameters, Query()]


class OrganizationRoutes:
    """What each route does: read, do, write."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def page(self, actor: CallingActor, asked: Paging) -> schema.OrganizationPage:
        """Read your own organization; operators page through all of them, newest first."""
        listing = Listing(self._services.page_tokens, actor, "organizations", asked)
        page = await self._services.organizations.page(actor, listing.query)
        return schema.OrganizationPage(
            items=[_shown(each) for each in page.items], next_page_token=listing.next_token(page)
        )

    async def create(
        self,
        actor: CallingActor,
        body: schema.OrganizationInput,
        response: Response,
        _: Nothing,
    ) -> schema.Organization:
        """Make an organization; for operators."""
        made = await self._services.organizations.create(actor, body.name)
        response.headers["Location"] = location("organizations", made.id)
        return _shown(made)

    async def get(
        self, actor: CallingActor, organization_id: str, _: Nothing
    ) -> schema.Organization:
        """Read an organization."""
        return _shown(await self._services.organizations.get(actor, organization_id))

    async def change(
        self, actor: CallingActor, organization_id: str, body: schema.OrganizationPatch, _: Nothing
    ) -> schema.Organization:
        """Give an organization another name."""
        if "name" not in body.model_fields_set:
            return _shown(await self._services.organizations.get(actor, organization_id))
        renamed = await self._services.organizations.rename(actor, organization_id, body.name)
        return _shown(renamed)


def _shown(organization: Organization) -> schema.Organization:
    return schema.Organization(
        id=organization.id,
        name=organization.name,
        created_at=write_time(organization.created_at_ms),
    )
