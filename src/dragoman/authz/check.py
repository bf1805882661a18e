"""The checks: who is acting, how far an action of theirs reaches, and whether it may be done."""

from collections.abc import Awaitable, Callable, Collection
from functools import lru_cache

from msgspec import Struct

from dragoman.authz.policy import (
    ANY_FOR_OWN,
    ON_ANY,
    PERMISSIONS,
    Action,
    Administration,
    Permission,
    Reach,
    permission,
    role_permissions,
)
from dragoman.domain.errors import Forbidden, NotFound, Unauthenticated
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM
from dragoman.domain.principal import ApiKey, Principal, Role, Scope


class Actor(Struct, frozen=True, gc=False):
    """Somebody whose credential has verified."""

    organization_id: str
    principal_id: str
    key_id: str | None
    """None where it is done on the data directory."""
    permissions: frozenset[Permission]
    expires_at_ms: int | None = None
    request_id: str | None = None
    """The request that they act through, for the audit trail."""

    def reach(self, action: Action) -> Reach | None:
        """Tell how far this actor may do this; None: not at all."""
        return _reach(self.permissions, action)


Verified = Callable[[], Awaitable[Actor]]
"""Verifies a credential once more, for what goes on for a while. Raises Unauthenticated."""


@lru_cache  # asked with every call, about the permissions of few roles
def _reach(permissions: frozenset[Permission], action: Action) -> Reach | None:
    for reach in (Reach.ANY, Reach.OWN):
        if permission(action, reach) in permissions:
            return reach
    return None


def actor(key: ApiKey, principal: Principal, credential_readers: Collection[Role] = ()) -> Actor:
    """Make the actor that an API key stands for; `credential_readers` as in the policy."""
    of = principal.organization_id
    permissions = role_permissions(principal.role, of, credential_readers)
    if key.permissions is not None:
        permissions &= frozenset(key.permissions)
    return Actor(
        organization_id=of,
        principal_id=principal.id,
        key_id=key.id,
        permissions=permissions,
        expires_at_ms=key.expires_at_ms,
    )


OPERATOR = "operator"


def operator() -> Actor:
    """Make the actor who has the data directory, and so may do everything."""
    return Actor(
        organization_id=PLATFORM_ORGANIZATION_ID,
        principal_id=OPERATOR,
        key_id=None,
        permissions=frozenset(PERMISSIONS),
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
    reach = _reach(who.permissions, action)
    if reach is None:
        raise Forbidden(
            f"This API key may not {action} LLMs.", permission=permission(action, Reach.OWN)
        )
    return Scope(who.organization_id, who.principal_id if reach is Reach.OWN else None)


def whole_organization(who: Actor) -> Scope:
    """Give the scope of what has to be unique in an organization, whoever owns it."""
    return Scope(who.organization_id, None)


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


def require_credentials(who: Actor, llm: LLM) -> None:
    """Check that the actor may see what is stored of an LLM's credential; raises Forbidden."""
    if llm.organization_id != who.organization_id:
        raise Forbidden(
            "This is a default LLM of the platform; its credentials can be seen by nobody here."
        )
    reach = who.reach(Action.READ_CREDENTIALS)
    is_own = llm.owner_id == who.principal_id
    if reach is None or not (reach is Reach.ANY or is_own):
        wanted = Reach.OWN if is_own else Reach.ANY
        raise Forbidden(
            "This API key may not see the credentials of this LLM.",
            permission=permission(Action.READ_CREDENTIALS, wanted),
        )


def administered(who: Actor, organization_id: str | None) -> str:
    """Give the id of the organization that an actor administers here; None means their own.

    Raises Forbidden where they administer none, NotFound for another one, unless they operate
    the platform.
    """
    permit(who, Administration.ORGANIZATION)
    if organization_id in {None, who.organization_id}:
        return who.organization_id
    if Administration.PLATFORM not in who.permissions:
        raise no_organization()
    return str(organization_id)


def no_organization() -> NotFound:
    """Say that there is none: the same words, whether it is not there or not the actor's."""
    return NotFound("There is no organization with this id.")


def permit(who: Actor, administration: Administration) -> None:
    """Check a permission that has nothing to do with an LLM; raises Forbidden."""
    if administration not in who.permissions:
        raise Forbidden(
            f"This API key lacks the permission {administration}.", permission=administration
        )


def within(
    who: Actor,
    organization_id: str,
    permissions: frozenset[Permission],
    principal_id: str | None = None,
) -> None:
    """Check that an actor hands on no more than they hold; raises Forbidden.

    Whoever may administer another organization than their own stands above it. `principal_id`
    is who gets it, unless they are new and own nothing: what is their own is not the actor's.
    """
    if organization_id != who.organization_id:
        return
    if principal_id not in {None, who.principal_id}:
        permissions = frozenset(ANY_FOR_OWN.get(each, each) for each in permissions)
    beyond = permissions - who.permissions
    if beyond:
        raise Forbidden(
            "This API key cannot give what it does not hold itself: " + ", ".join(sorted(beyond)),
            permission=min(beyond),
        )
