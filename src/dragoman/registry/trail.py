"""The audit trail: how entries are made, and reading them."""

from dragoman.authz.check import Actor, administered, no_organization
from dragoman.domain.audit import AuditEntry
from dragoman.domain.page import AuditQuery, Page
from dragoman.domain.ports import Clock, Store


def entry(
    clock: Clock,
    who: Actor,
    action: str,
    target_id: str,
    *,
    organization_id: str | None = None,
    members: tuple[str, ...] = (),
) -> AuditEntry:
    """Say who does what; in the actor's organization unless another one is named."""
    return AuditEntry(
        id=clock.new_id(),
        at_ms=clock.now_ms(),
        organization_id=organization_id or who.organization_id,
        actor_id=who.principal_id,
        key_id=who.key_id,
        action=action,
        target_id=target_id,
        members=members,
        request_id=who.request_id,
    )


class Trail:
    """Reading the audit trail."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def page(
        self, who: Actor, query: AuditQuery, organization_id: str | None = None
    ) -> Page[AuditEntry]:
        """Read a page, newest first. Raises Forbidden, NotFound (of the organization)."""
        of = administered(who, organization_id)
        async with self._store.reading() as work:
            if await work.principals.organization(of) is None:
                raise no_organization()
            return await work.audit.page(of, query)
