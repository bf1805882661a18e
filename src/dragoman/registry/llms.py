"""Registering LLMs: create, read, list, update, delete."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dragoman.authz.check import Actor, require, scope
from dragoman.authz.policy import Action
from dragoman.domain.audit import AuditEntry
from dragoman.domain.credential import Credential, CredentialKind
from dragoman.domain.errors import Invalid, NotFound, Problem
from dragoman.domain.llm import LLM, Configuration
from dragoman.domain.page import LLMQuery, Page
from dragoman.domain.ports import Clock, EndpointPolicy, ReadLLMs, Store
from dragoman.protocols.placement import placement
from dragoman.registry.rules import configuration_problems, secret_problems
from dragoman.vault.envelope import Vault, binding
from dragoman.vault.secret import Secret

Change = Callable[[Configuration], Configuration]
"""An update: what a caller's request makes of the stored configuration."""

SECRET_FIELD = "secret"  # noqa: S105  # the field's name, not a secret


class LLMs:
    """The use cases around one LLM, for callers of every dialect."""

    def __init__(self, *, store: Store, vault: Vault, clock: Clock, policy: EndpointPolicy) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._policy = policy

    async def create(
        self, who: Actor, configuration: Configuration, secret: Secret | None, request_id: str
    ) -> LLM:
        """Register an LLM; `secret` None where the upstream wants no credential.

        Raises Forbidden; Invalid with everything that is wrong; Unavailable.
        """
        scope(who, Action.CREATE)
        _refuse(self._problems(configuration, secret, carries_credential=secret is not None))
        llm = LLM(
            id=self._clock.new_id(),
            organization_id=who.organization_id,
            owner_id=who.principal_id,
            configuration=configuration,
            created_at_ms=self._clock.now_ms(),
            created_by=who.principal_id,
        )
        if secret is not None:
            llm = msgspec.structs.replace(llm, credential=self._seal(llm, secret, generation=1))
        async with self._store.writing() as work:
            await work.llms.add(llm)
            await work.audit.record(self._entry(who, "llm.create", llm, request_id))
        return llm

    async def get(self, who: Actor, llm_id: str) -> LLM:
        """Read one. Raises Forbidden; NotFound for what the actor may not see."""
        async with self._store.reading() as work:
            return await _visible(work.llms, who, llm_id)

    async def page(self, who: Actor, query: LLMQuery) -> Page[LLM]:
        """Read a page, newest first. Raises Forbidden."""
        async with self._store.reading() as work:
            return await work.llms.page(scope(who, Action.LIST), query)

    async def update(
        self, who: Actor, llm_id: str, change: Change, secret: Secret | None, request_id: str
    ) -> LLM:
        """Change one; `secret` None keeps the stored credential.

        An update that changes nothing leaves no trace. Raises Forbidden, NotFound, Unavailable;
        Invalid, also (`secret_required`) where the stored secret would be sent elsewhere.
        """
        scope(who, Action.UPDATE)
        async with self._store.writing() as work:
            current = await _visible(work.llms, who, llm_id)
            require(who, Action.UPDATE, current)
            configuration = change(current.configuration)
            members = _changed_members(current.configuration, configuration)
            if not members and secret is None:
                return current
            credential = self._next_credential(current, configuration, secret, members)
            updated = msgspec.structs.replace(
                current,
                configuration=configuration,
                credential=credential,
                revision=current.revision + 1,
                updated_at_ms=self._clock.now_ms(),
                updated_by=who.principal_id,
            )
            changed = (*members, SECRET_FIELD) if secret is not None else members
            await work.llms.replace(updated)
            await work.audit.record(self._entry(who, "llm.update", updated, request_id, changed))
        return updated

    async def delete(self, who: Actor, llm_id: str, request_id: str) -> None:
        """Forget one, its credential included. Raises Forbidden, NotFound, Unavailable."""
        scope(who, Action.DELETE)
        async with self._store.writing() as work:
            llm = await _visible(work.llms, who, llm_id)
            require(who, Action.DELETE, llm)
            await work.llms.remove(llm)
            await work.audit.record(self._entry(who, "llm.delete", llm, request_id))

    def _problems(
        self, configuration: Configuration, secret: Secret | None, *, carries_credential: bool
    ) -> list[Problem]:
        problems = configuration_problems(
            configuration, self._policy, carries_credential=carries_credential
        )
        return [*problems, *(secret_problems(secret) if secret is not None else ())]

    def _next_credential(
        self,
        current: LLM,
        configuration: Configuration,
        secret: Secret | None,
        members: tuple[str, ...],
    ) -> Credential | None:
        """Check an update and give the credential that it leads to.

        Only what changes is judged: a URL that a later policy refuses does not stand in the way
        of a new display name.
        """
        stored = current.credential
        judged = {*members, SECRET_FIELD}
        if secret is not None or "protocol" in members:
            judged.add("endpoints")
        carries_credential = secret is not None or stored is not None
        problems = self._problems(configuration, secret, carries_credential=carries_credential)
        _refuse(problem for problem in problems if problem.path[0] in judged)

        proposed = msgspec.structs.replace(current, configuration=configuration)
        if secret is not None:
            generation = stored.generation + 1 if stored else 1
            return self._seal(proposed, secret, generation)
        if stored is None:
            return None
        old = binding(current, stored.placement, stored.generation)
        new = binding(proposed, placement(configuration.protocol), stored.generation)
        if old == new:
            return stored
        sealed = self._vault.rebind(stored.sealed, old, new)
        return msgspec.structs.replace(stored, placement=new.placement, sealed=sealed)

    def _seal(self, llm: LLM, secret: Secret, generation: int) -> Credential:
        place = placement(llm.configuration.protocol)
        sealed = self._vault.seal(secret, binding(llm, place, generation))
        return Credential(CredentialKind.API_KEY, place, generation, sealed)

    def _entry(
        self, who: Actor, action: str, llm: LLM, request_id: str, members: tuple[str, ...] = ()
    ) -> AuditEntry:
        return AuditEntry(
            id=self._clock.new_id(),
            at_ms=self._clock.now_ms(),
            organization_id=who.organization_id,
            actor_id=who.principal_id,
            key_id=who.key_id,
            action=action,
            target_id=llm.id,
            members=members,
            request_id=request_id,
        )


async def _visible(llms: ReadLLMs, who: Actor, llm_id: str) -> LLM:
    """Find what this actor may read; all else is not there."""
    llm = await llms.get(scope(who, Action.READ), llm_id)
    if llm is None:
        raise NotFound("There is no LLM with this id.")
    return llm


def _changed_members(old: Configuration, new: Configuration) -> tuple[str, ...]:
    return tuple(
        name
        for name in old.__struct_fields__
        if not _is_same(getattr(old, name), getattr(new, name))
    )


def _is_same(old: Any, new: Any) -> bool:
    """Compare as JSON does: 1, 1.0 and true are three values there, and one to Python's ==."""
    return _sorted_json(old) == _sorted_json(new)


def _sorted_json(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _refuse(problems: Iterable[Problem]) -> None:
    found = tuple(problems)
    if found:
        raise Invalid(*found)
