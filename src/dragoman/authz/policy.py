"""The policy, as a table: role to permissions."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

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


class Reach(StrEnum):
    """Whose LLMs."""

    OWN = "own"
    ANY = "any"
    """Whoever owns it within the caller's organization."""


Permission = str
"""`llm:<action>:<reach>`."""


def permission(action: Action, reach: Reach) -> Permission:
    """Name a permission."""
    return f"llm:{action}:{reach}"


def _permissions(reach: Reach, *actions: Action) -> frozenset[Permission]:
    return frozenset(permission(action, reach) for action in actions)


ROLES: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.ADMIN: _permissions(Reach.ANY, *Action),
        Role.EDITOR: (
            _permissions(Reach.OWN, Action.CREATE, Action.UPDATE, Action.DELETE)
            | _permissions(Reach.ANY, Action.READ, Action.LIST, Action.USE, Action.PING)
        ),
        Role.VIEWER: _permissions(Reach.ANY, Action.READ, Action.LIST),
        Role.CALLER: _permissions(Reach.ANY, Action.LIST, Action.USE),
    }
)
