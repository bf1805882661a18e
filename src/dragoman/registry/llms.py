"""Registering LLMs: create, read, list, update, delete."""

from collections.abc import Iterable
from typing import Any

import msgspec

from dragoman.authz.check import Actor, require, scope, whole_organization
from dragoman.authz.policy import Action, Reach, permission
from dragoman.domain.credential import Credential
from dragoman.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    Problem,
)
from dragoman.domain.ids import is_id
from dragoman.domain.llm import LLM, Configuration
from dragoman.domain.page import LLMQuery, Page
from dragoman.domain.ports import Clock, EndpointPolicy, ReadLLMs, Store, WriteWork
from dragoman.registry.asked import AskedCredential, Condition, Draft, Edit, Editing
from dragoman.registry.held import require_grant
from dragoman.registry.rules import draft_problems, edit_problems
from dragoman.registry.secrets import Secrets
from dragoman.registry.trail import entry
from dragoman.registry.uniqueness import claimed
from dragoman.vault.digests import Digests
from dragoman.vault.envelope import Vault

PARTS_OF_A_CONNECTION = frozenset({"endpoints", "protocol", "model", "secret"})


class LLMs:
    """The use cases around one LLM, for callers of every dialect.

    With `dry_run` a change is tried in full, uniqueness included, and leaves no trace.
    """

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        digests: Digests,
        clock: Clock,
        policy: EndpointPolicy,
    ) -> None:
        self._store = store
        self._secrets = Secrets(vault)
        self._digests = digests
        self._clock = clock
        self._policy = policy

    async def create(self, who: Actor, draft: Draft, *, dry_run: bool = False) -> LLM:
        """Register an LLM.

        Raises Forbidden; Invalid with everything that is wrong; Conflict; Unavailable.
        """
        scope(who, Action.CREATE)
        _refuse(draft_problems(draft, self._policy))
        llm = self._secrets.of_new(self._new(who, draft), draft)
        secret = draft.credential.secret if draft.credential else None
        llm = msgspec.structs.replace(llm, connection_key=self._digests.connection(llm, secret))
        async with self._store.writing(keep=not dry_run) as work:
            await self._check_identity(work, who, draft)
            await require_grant(work.grants, llm)
            llm = await claimed(work.llms, self._digests, llm, draft.unique)
            added = entry(self._clock, who, "llm.create", llm.id)
            llm = msgspec.structs.replace(llm, revision=await work.audit.record(added))
            await work.llms.add(llm)
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
        self, who: Actor, llm_id: str, asked: Edit | Editing, *, dry_run: bool = False
    ) -> LLM:
        """Change one.

        An update that changes nothing leaves no trace. Raises Forbidden, NotFound, Conflict,
        PreconditionFailed, Unavailable; Invalid, also (`secret_required`) where a stored secret
        would be sent elsewhere.
        """
        scope(who, Action.UPDATE)
        async with self._store.writing(keep=not dry_run) as work:
            current = await _visible(work.llms, who, llm_id)
            require(who, Action.UPDATE, current)
            edit = asked if isinstance(asked, Edit) else asked(current)
            _require_revision(current, edit.if_revision)
            configuration = edit.change(current.configuration)
            proposed = msgspec.structs.replace(current, configuration=configuration)
            members = changed_members(current.configuration, configuration)
            _refuse(edit_problems(current, proposed, edit, members, self._policy))
            proposed = self._secrets.of_changed(current, proposed, edit)
            members += _changed_secrets(current, proposed)
            if not members:
                return current
            await require_grant(work.grants, proposed)
            proposed = self._with_connection_key(proposed, edit, members)
            proposed = await claimed(work.llms, self._digests, proposed, edit.unique)
            changed = entry(self._clock, who, "llm.update", llm_id, members=members)
            updated = msgspec.structs.replace(
                proposed,
                revision=await work.audit.record(changed),
                updated_at_ms=self._clock.now_ms(),
                updated_by=who.principal_id,
            )
            await work.llms.replace(updated)
        return updated

    async def delete(
        self,
        who: Actor,
        llm_id: str,
        *,
        if_revision: int | Condition | None = None,
        dry_run: bool = False,
    ) -> None:
        """Forget one, its secrets included.

        Raises Forbidden, NotFound, PreconditionFailed, Unavailable.
        """
        scope(who, Action.DELETE)
        async with self._store.writing(keep=not dry_run) as work:
            llm = await _visible(work.llms, who, llm_id)
            require(who, Action.DELETE, llm)
            _require_revision(llm, if_revision)
            await work.llms.remove(llm)
            await work.audit.record(entry(self._clock, who, "llm.delete", llm.id))

    def _new(self, who: Actor, draft: Draft) -> LLM:
        return LLM(
            id=draft.llm_id or self._clock.new_id(),
            organization_id=who.organization_id,
            owner_id=draft.owner_id or who.principal_id,
            configuration=draft.configuration,
            created_at_ms=self._clock.now_ms(),
            created_by=who.principal_id,
        )

    async def _check_identity(self, work: WriteWork, who: Actor, draft: Draft) -> None:
        """Check an owner and an id that the caller chose."""
        if draft.owner_id not in {None, who.principal_id}:
            if who.reach(Action.CREATE) is not Reach.ANY:
                raise Forbidden(
                    "This API key may create only LLMs of its own.",
                    permission=permission(Action.CREATE, Reach.ANY),
                )
            if await work.principals.principal(who.organization_id, str(draft.owner_id)) is None:
                raise Invalid(Problem(("owner_id",), "is not a principal here", "not_found"))
        chosen = draft.llm_id
        if chosen and await work.llms.get(whole_organization(who), chosen) is not None:
            raise Conflict("There is an LLM with this id already.", code="id_taken")

    def _with_connection_key(self, llm: LLM, edit: Edit, members: tuple[str, ...]) -> LLM:
        if llm.connection_key is not None and not PARTS_OF_A_CONNECTION & set(members):
            return llm
        asked = edit.credential
        secret = asked.secret if isinstance(asked, AskedCredential) else None
        key = self._digests.connection(llm, secret or self._secrets.opened(llm))
        return msgspec.structs.replace(llm, connection_key=key)


async def _visible(llms: ReadLLMs, who: Actor, llm_id: str) -> LLM:
    """Find what this actor may read; all else is not there."""
    reach = scope(who, Action.READ)
    llm = await llms.get(reach, llm_id) if is_id(llm_id) else None
    if llm is None:
        raise NotFound("There is no LLM with this id.")
    return llm


def _require_revision(llm: LLM, wanted: int | Condition | None) -> None:
    is_met = wanted(llm.revision) if callable(wanted) else wanted in {None, llm.revision}
    if not is_met:
        raise PreconditionFailed(
            "The LLM was changed since this revision; read it again, then repeat the change."
        )


def changed_members(old: Configuration, new: Configuration) -> tuple[str, ...]:
    """Name the members in which two configurations differ."""
    return tuple(
        name
        for name in old.__struct_fields__
        if not _is_same(getattr(old, name), getattr(new, name))
    )


def _changed_secrets(old: LLM, new: LLM) -> tuple[str, ...]:
    """Name what changed of the secrets themselves; being bound anew is no change of theirs."""
    changed = []
    if _seen_of(old.credential) != _seen_of(new.credential):
        changed.append("secret")
    if [(h.name, h.generation) for h in old.headers] != [
        (h.name, h.generation) for h in new.headers
    ]:
        changed.append("headers")
    return tuple(changed)


def _seen_of(credential: Credential | None) -> tuple[object, ...]:
    if credential is None:
        return ()
    return credential.placement, credential.generation, credential.held, credential.labels


def _is_same(old: Any, new: Any) -> bool:
    """Compare as JSON does: 1, 1.0 and true are three values there, and one to Python's ==."""
    return _sorted_json(old) == _sorted_json(new)


def _sorted_json(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _refuse(problems: Iterable[Problem]) -> None:
    found = tuple(problems)
    if found:
        raise Invalid(*found)
