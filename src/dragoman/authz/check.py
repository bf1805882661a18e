"""The checks: who is acting, how far an action of theirs reaches, and whether it may be done."""

from msgspec import Struct

from dragoman.authz.policy import ON_ANY, ROLES, Action, Permission, Reach, permission
from dragoman.domain.errors import Forbidden, Unauthenticated
from dragoman.domain.llm import LLM
from dragoman.domain.principal import ApiKey, Principal, Scope


class Actor(Struct, frozen=True, gc=False):
    """Somebody whose credential has verified."""

    organization_id: str
    principal_id: str
    key_id: str
    permissions: frozenset[Permission]
    expires_at_ms: int | None = None

    def reach(self, action: Action) -> Reach | None:
        """Tell how far this actor may do this; None: not at all."""
        for reach in (Reach.ANY, Reach.OWN):
            if permission(action, reach) in self.permissions:
                return reach
        return None


def actor(key: ApiKey, principal: Principal) -> Actor:
    """Make the actor that an API key stands for."""
    return Actor(
        organization_id=principal.organization_id,
        principal_id=principal.id,
        key_id=key.id,
        permissions=ROLES[principal.role],
        expires_at_ms=key.expires_at_ms,
    )


def both(first: Actor, second: Actor) -> Actor:
    """Make the actor of a request that carries two credentials: what both may do.

    Two principals have nothing of their own in common. Raises Unauthenticated where they belong
    to different organizations.
    """
    if first.organization_id != second.organization_id:
        raise Unauthenticated("The two credentials of this request belong to two organizations.")
    common = first.permissions & second.permissions
    if first.principal_id != second.principal_id:
        common &= ON_ANY
    return Actor(
        organization_id=first.organization_id,
        principal_id=first.principal_id,
        key_id=first.key_id,
        permissions=common,
        expires_at_ms=min(
            (at for at in (first.expires_at_ms, second.expires_at_ms) if at is not None),
            default=None,
        ),
    )


def scope(who: Actor, action: Action) -> Scope:
    """Give the scope of one action; raises Forbidden where the actor may not do it at all."""
    reach = who.reach(action)
    if reach is None:
        raise Forbidden(
            f"This API key may not {action} LLMs.", permission=permission(action, Reach.OWN)
        )
    return Scope(who.organization_id, who.principal_id if reach is Reach.OWN else None)


def require(who: Actor, action: Action, llm: LLM) -> None:
    """Check a change of an LLM that the actor may read; raises Forbidden."""
    if llm.is_platform:
        raise Forbidden(f"This is a default LLM of the platform; nobody may {action} it here.")
    reach = who.reach(action)
    is_own = llm.owner_id == who.principal_id
    if (
        reach is None
        or llm.organization_id != who.organization_id
        or (reach is Reach.OWN and not is_own)
    ):
        raise Forbidden(
            f"This API key may {action} only LLMs of its own.",
            permission=permission(action, Reach.ANY),
        )
