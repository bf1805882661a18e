"""What the registry should answer, in plain Python: no database, no cache, no secret sealed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

ANY = ("create", "read", "list", "update", "delete", "use", "ping")
ADMINISTER = "organization:administer"


def _held(own: tuple[str, ...] = (), anybodys: tuple[str, ...] = ()) -> frozenset[str]:
    found = {f"llm:{action}:own" for action in (*own, *anybodys)}
    return frozenset(found | {f"llm:{action}:any" for action in anybodys})


ROLES = {
    "admin": _held((), ANY) | {ADMINISTER},
    "editor": _held(("create", "update", "delete"), ("read", "list", "use", "ping")),
    "viewer": _held((), ("read", "list")),
    "caller": _held((), ("list", "use")),
}
PLATFORM = "00000000-0000-0000-0000-000000000000"


class Refusal(Exception):
    """What is answered instead: the kind of error, and its code where that matters."""


@dataclass(frozen=True)
class RefLLM:
    """An LLM, as far as anybody can tell."""

    id: str
    organization: str
    owner: str
    name: str
    model: str
    host: str
    secret: str | None
    labels: tuple[tuple[str, str], ...]
    enabled: bool
    made: int
    """Its place among all that were ever made."""
    revision: int
    holds_connection: bool = False
    holds_name: str | None = None

    @property
    def connection(self) -> tuple[object, ...]:
        """What no other LLM of the owner may be, where that was claimed."""
        return self.organization, self.owner, self.host, self.model, self.secret


@dataclass
class RefPrincipal:
    """Somebody who acts."""

    id: str
    organization: str
    role: str


@dataclass
class RefKey:
    """An API key."""

    id: str
    principal: RefPrincipal
    permissions: frozenset[str] | None
    is_revoked: bool = False

    @property
    def held(self) -> frozenset[str]:
        """What it may do."""
        if self.is_revoked:
            raise Refusal("Unauthenticated")
        whole = ROLES[self.principal.role]
        return whole if self.permissions is None else whole & self.permissions


@dataclass
class Reference:
    """The whole registry."""

    principals: dict[str, RefPrincipal] = field(default_factory=dict)
    llms: dict[tuple[str, str], RefLLM] = field(default_factory=dict)
    audit: list[tuple[str, str, str]] = field(default_factory=list)
    """Action, organization and actor of each change."""
    made: int = 0

    def recorded(self, action: str, organization: str, actor: str) -> int:
        """Count a change."""
        self.audit.append((action, organization, actor))
        return len(self.audit)

    # --- Reading -----------------------------------------------------------------------------

    def visible(self, key: RefKey, action: str) -> list[RefLLM]:
        """Give what an action reaches, newest first."""
        reach = self._reach(key, action)
        mine = key.principal
        found = [
            llm
            for llm in self.llms.values()
            if llm.organization == PLATFORM
            or (llm.organization == mine.organization and (reach == "any" or llm.owner == mine.id))
        ]
        return sorted(found, key=lambda llm: llm.made, reverse=True)

    def get(self, key: RefKey, llm_id: str) -> RefLLM:
        """Read one."""
        for llm in self.visible(key, "read"):
            if llm.id == llm_id:
                return llm
        raise Refusal("NotFound")

    def listed(self, key: RefKey, condition: Callable[[RefLLM], bool]) -> list[RefLLM]:
        """List what meets a condition."""
        return [llm for llm in self.visible(key, "list") if condition(llm)]

    def called(self, key: RefKey, name: str) -> RefLLM:
        """Find what a call of this id or name reaches."""
        usable = self.visible(key, "use")
        found = [llm for llm in usable if llm.id == name]
        if not found:
            named = [llm for llm in usable if llm.name == name]
            found = [llm for llm in named if llm.organization != PLATFORM] or named
        if not found:
            raise Refusal("NotFound")
        if len(found) > 1:
            raise Refusal("NotCallable", "ambiguous_model")
        if not found[0].enabled:
            raise Refusal("NotCallable", "llm_disabled")
        return found[0]

    # --- Changing ----------------------------------------------------------------------------

    def create(self, key: RefKey, llm_id: str, asked: dict[str, Any], unique: set[str]) -> RefLLM:
        """Register one."""
        self._reach(key, "create")
        mine = key.principal
        llm = RefLLM(llm_id, mine.organization, mine.id, **asked, made=self.made + 1, revision=0)
        llm = self._claimed(llm, unique)
        self.made += 1
        llm = replace(llm, revision=self.recorded("llm.create", mine.organization, mine.id))
        self.llms[llm.organization, llm.id] = llm
        return llm

    def update(self, key: RefKey, llm_id: str, patch: dict[str, Any], unique: set[str]) -> RefLLM:
        """Change one."""
        current = self._changeable(key, llm_id, "update")
        moved = patch.get("host", current.host) != current.host
        if moved and current.secret is not None and "secret" not in patch:
            raise Refusal("Invalid", "secret_required")
        proposed = replace(current, **patch)
        if proposed == current and "secret" not in patch:
            return current
        proposed = self._claimed(proposed, unique)
        mine = key.principal
        number = self.recorded("llm.update", mine.organization, mine.id)
        proposed = replace(proposed, revision=number)
        self.llms[proposed.organization, proposed.id] = proposed
        return proposed

    def delete(self, key: RefKey, llm_id: str) -> None:
        """Forget one."""
        llm = self._changeable(key, llm_id, "delete")
        del self.llms[llm.organization, llm.id]
        self.recorded("llm.delete", key.principal.organization, key.principal.id)

    def may_make_key(
        self, key: RefKey, role: str, principal_id: str | None, permissions: frozenset[str] | None
    ) -> None:
        """Check whether a key can be made: for one who is there, else for somebody new."""
        self._administer(key)
        if principal_id is None:
            self._hands_on(key, ROLES[role], None)
        else:
            role = self.principal(key, principal_id).role
        if permissions is not None and permissions - ROLES[role]:
            raise Refusal("Invalid", "beyond_role")
        given = ROLES[role] if permissions is None else permissions
        self._hands_on(key, given, principal_id)

    def revoke(self, key: RefKey, other: RefKey) -> None:
        """End a key."""
        self._administer(key)
        if other.principal.organization != key.principal.organization:
            raise Refusal("NotFound")
        if not other.is_revoked:
            self.recorded("key.revoke", key.principal.organization, key.principal.id)
            other.is_revoked = True

    def give_role(self, key: RefKey, principal_id: str, role: str) -> None:
        """Change what somebody is."""
        self._administer(key)
        somebody = self.principals[principal_id]
        if somebody.organization != key.principal.organization:
            raise Refusal("NotFound")
        if somebody.role != role:
            self._hands_on(key, ROLES[role], principal_id)
            somebody.role = role
            self.recorded("principal.update", somebody.organization, key.principal.id)

    def principal(self, key: RefKey, principal_id: str) -> RefPrincipal:
        """Find somebody to make a key for."""
        somebody = self.principals[principal_id]
        if somebody.organization != key.principal.organization:
            raise Refusal("Invalid", "not_found")
        return somebody

    def _reach(self, key: RefKey, action: str) -> str:
        for reach in ("any", "own"):
            if f"llm:{action}:{reach}" in key.held:
                return reach
        raise Refusal("Forbidden")

    def _changeable(self, key: RefKey, llm_id: str, action: str) -> RefLLM:
        reach = self._reach(key, action)
        llm = self.get(key, llm_id)
        is_own = llm.owner == key.principal.id
        if llm.organization == PLATFORM or (reach == "own" and not is_own):
            raise Refusal("Forbidden")
        return llm

    def _administer(self, key: RefKey) -> None:
        if ADMINISTER not in key.held:
            raise Refusal("Forbidden")

    def _hands_on(self, key: RefKey, given: frozenset[str], principal_id: str | None) -> None:
        if principal_id not in {None, key.principal.id}:
            given |= {name.replace(":own", ":any") for name in given if name.endswith(":own")}
        if given - key.held:
            raise Refusal("Forbidden")

    def _claimed(self, llm: RefLLM, unique: set[str]) -> RefLLM:
        others = list(self._others(llm))
        namesakes = [other for other in others if other.name == llm.name]
        twins = [other for other in others if other.connection == llm.connection]
        if "connection" in unique and twins:
            raise Refusal("Conflict", "connection_taken")
        if "name" in unique and namesakes:
            raise Refusal("Conflict", "name_taken")
        held = llm.holds_name
        if "name" in unique or held not in {None, llm.name}:
            held = None if namesakes else llm.name
        return replace(llm, holds_connection="connection" in unique, holds_name=held)

    def _others(self, llm: RefLLM) -> Iterator[RefLLM]:
        for other in self.llms.values():
            if other.organization == llm.organization and other.id != llm.id:
                yield other
