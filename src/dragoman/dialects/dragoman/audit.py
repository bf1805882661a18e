"""The audit trail, to read."""

from typing import Annotated

from fastapi import Query

from dragoman.dialect.route import CallingActor
from dragoman.dialect.times import read_time, write_time
from dragoman.dialects.dragoman import schema
from dragoman.dialects.dragoman.mapping import WIRE_PATHS
from dragoman.dialects.dragoman.paging import Listing
from dragoman.dialects.dragoman.services import Services
from dragoman.domain.audit import AuditEntry
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.page import AUDIT_FILTERS, AuditQuery

Filters = Annotated[schema.AuditFilters, Query()]


class AuditRoutes:
    """What the route does: read, do, write."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def page(self, actor: CallingActor, asked: Filters) -> schema.AuditPage:
        """Page through what was done in an organization, newest first."""
        listing = Listing(self._services.page_tokens, actor, "audit", asked)
        query = AuditQuery(
            after=listing.after,
            limit=asked.page_size,
            equal=_equal(asked),
            since_ms=None if asked.since is None else read_time(asked.since),
            until_ms=None if asked.until is None else read_time(asked.until),
        )
        page = await self._services.trail.page(actor, query, asked.organization_id)
        return schema.AuditPage(
            items=[_shown(each) for each in page.items], next_page_token=listing.next_token(page)
        )


def _equal(asked: schema.AuditFilters) -> dict[str, str]:
    """Collect what has to be equal. Raises Invalid where it says two targets."""
    if asked.llm_id is not None and asked.target_id not in {None, asked.llm_id}:
        raise Invalid(
            Problem(("llm_id",), "names another one than target_id; send only one", "conflict")
        )
    equal = {name: getattr(asked, name) for name in AUDIT_FILTERS}
    equal["target_id"] = asked.target_id or asked.llm_id
    return {name: value for name, value in equal.items() if value is not None}


def _members(entry: AuditEntry) -> list[str]:
    """Name what changed as it is named on the wire, each once."""
    return list(dict.fromkeys(WIRE_PATHS.get(name, (name,))[0] for name in entry.members))


def _shown(entry: AuditEntry) -> schema.AuditEntry:
    return schema.AuditEntry(
        id=entry.id,
        revision=entry.revision,
        at=write_time(entry.at_ms),
        organization_id=entry.organization_id,
        actor_id=entry.actor_id,
        key_id=entry.key_id,
        action=entry.action,
        target_id=entry.target_id,
        members=_members(entry),
        request_id=entry.request_id,
    )
