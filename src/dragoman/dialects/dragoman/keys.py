"""API keys: list, make, read, revoke."""

from typing import Annotated, Any, Literal

from fastapi import Query, Response

from dragoman.dialect.route import CallingActor
from dragoman.dialect.times import read_time, write_time
from dragoman.dialects.dragoman import schema
from dragoman.dialects.dragoman.locations import location
from dragoman.dialects.dragoman.paging import Listing
from dragoman.dialects.dragoman.services import Services
from dragoman.dialects.dragoman.values import NoParameters
from dragoman.domain.principal import ApiKey, Principal
from dragoman.registry.keys import KeyDraft

Paging = Annotated[schema.OrganizationPageParameters, Query()]
Of = Annotated[schema.OrganizationParameters, Query()]
Nothing = Annotated[NoParameters, Query()]


class KeyRoutes:
    """What each route does: read, do, write."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def page(self, actor: CallingActor, asked: Paging) -> schema.KeyPage:
        """Page through an organization's keys, newest first, ended ones too."""
        listing = Listing(self._services.page_tokens, actor, "keys", asked)
        page = await self._services.keys.page(actor, listing.query, asked.organization_id)
        return schema.KeyPage(
            items=[schema.Key(**self._shown(*each)) for each in page.items],
            next_page_token=listing.next_token(page),
        )

    async def create(
        self, actor: CallingActor, body: schema.KeyInput, response: Response, _: Nothing
    ) -> schema.NewKey:
        """Make a key. Its text is in this answer and nowhere else."""
        draft = KeyDraft(
            name=body.name,
            principal_id=body.principal_id,
            role=body.role,
            permissions=None if body.permissions is None else tuple(body.permissions),
            expires_at_ms=None if body.expires_at is None else read_time(body.expires_at),
        )
        new = await self._services.keys.create(actor, draft, body.organization_id)
        response.headers["Location"] = location("keys", new.key.id)
        return schema.NewKey(**self._shown(new.key, new.principal), key=new.text)

    async def get(self, actor: CallingActor, key_id: str, asked: Of) -> schema.Key:
        """Read a key, without its text."""
        found = await self._services.keys.get(actor, key_id, asked.organization_id)
        return schema.Key(**self._shown(*found))

    async def revoke(self, actor: CallingActor, key_id: str, asked: Of) -> Response:
        """End a key, everywhere within a second."""
        await self._services.keys.end(actor, key_id, asked.organization_id)
        return Response(status_code=204)

    def _shown(self, key: ApiKey, principal: Principal) -> dict[str, Any]:
        return {
            "id": key.id,
            "organization_id": key.organization_id,
            "principal_id": key.principal_id,
            "role": principal.role,
            "name": key.name,
            "permissions": sorted(self._services.keys.permissions(key, principal)),
            "state": self._state(key),
            "created_at": write_time(key.created_at_ms),
            "expires_at": _moment(key.expires_at_ms),
            "revoked_at": _moment(key.revoked_at_ms),
        }

    def _state(self, key: ApiKey) -> Literal["active", "expired", "revoked"]:
        if key.revoked_at_ms is not None:
            return "revoked"
        if key.expires_at_ms is not None and key.expires_at_ms <= self._services.clock.now_ms():
            return "expired"
        return "active"


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else write_time(at_ms)
