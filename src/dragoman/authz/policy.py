"""The policy, as a table: role to permissions."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.principal import Role


class Action(StrEnum):
    """What can be done with an LLM."""

    CREATE = "create"
    READ = "read"
    LIST = "list"
    UPDATE = "update"
    DELETE = "delete"
    USE = "use"
    """Call it through the gateway."""
    PING = "ping"
    """Try whether it answers."""
    READ_CREDENTIALS = "read_credentials"
    """See what is stored of its credential: where it goes, and never the secret."""


class Reach(StrEnum):
    """Whose LLMs."""

    OWN = "own"
    ANY = "any"
    """Whoever owns it within the caller's organization."""


class Administration(StrEnum):
    """What can be done beside LLMs; each is a permission by itself."""

    ORGANIZATION = "organization:administer"
    """Its principals, API keys, name and audit trail."""
    PLATFORM = "platform:operate"
    """All organizations: for principals of the platform organization only."""


Permission = str
"""`llm:<action>:<reach>`, or one of `Administration`."""

_NAMES: Mapping[tuple[Action, Reach], Permission] = MappingProxyType(
    {(action, reach): f"llm:{action}:{reach}" for action in Action for reach in Reach}
)


def permission(action: Action, reach: Reach) -> Permission:
    """Name a permission."""
    return _NAMES[action, reach]


def _own(*actions: Action) -> frozenset[Permission]:
    return frozenset(permission(action, Reach.OWN) for action in actions)


def _any(*actions: Action) -> frozenset[Permission]:
    """Whoever may do it to any LLM may do it to their own."""
    return _own(*actions) | {permission(action, Reach.ANY) for action in actions}


ON_ANY = _any(*Action) - _own(*Action)
"""The permissions that do not depend on who owns what."""

ANY_FOR_OWN: Mapping[Permission, Permission] = MappingProxyType(
    {permission(action, Reach.OWN): permission(action, Reach.ANY) for action in Action}
)
"""What it takes to do to another principal's LLMs what they may do to their own."""

PERMISSIONS: tuple[Permission, ...] = (*_NAMES.values(), *Administration)
"""All there are."""

ROLES: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.ADMIN: _any(*(set(Action) - {Action.READ_CREDENTIALS}))
        | {Administration.ORGANIZATION},
        Role.EDITOR: (
            _own(Action.CREATE, Action.UPDATE, Action.DELETE)
            | _any(Action.READ, Action.LIST, Action.USE, Action.PING)
        ),
        Role.VIEWER: _any(Action.READ, Action.LIST),
        Role.CALLER: _any(Action.LIST, Action.USE),
    }
)

OPERATORS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {Role.ADMIN: _any(Action.READ, Action.LIST) | frozenset(Administration)}
)
"""What roles mean in the platform organization. Its LLMs are changed by no API key."""


def role_permissions(
    role: Role, organization_id: str, credential_readers: Collection[Role] = ()
) -> frozenset[Permission]:
    """Give what a role allows in an organization.

    `credential_readers` are the roles that, by the operator's setting, see what is stored of
    credentials; in the platform's organization none does.
    """
    if organization_id == PLATFORM_ORGANIZATION_ID:
        return OPERATORS.get(role, frozenset())
    if role in credential_readers:
        return ROLES[role] | _any(Action.READ_CREDENTIALS)
    return ROLES[role]
