"""API keys: what a program acts with, as one principal."""

from collections.abc import Collection
from math import inf

import msgspec
from msgspec import Struct

from dragoman.authz.check import Actor, actor, administered, within
from dragoman.authz.policy import PERMISSIONS, Permission, role_permissions
from dragoman.domain.audit import AuditEntry
from dragoman.domain.errors import Conflict, Invalid, NotFound, Problem
from dragoman.domain.ids import is_id
from dragoman.domain.page import Page, PageQuery
from dragoman.domain.ports import Clock, ReadWork, Store, WriteWork
from dragoman.domain.principal import ApiKey, Principal, Role
from dragoman.registry.organizations import found as found_organization
from dragoman.registry.principals import add_principal
from dragoman.registry.principals import found as found_principal
from dragoman.registry.rules import require_name
from dragoman.registry.trail import entry
from dragoman.vault import api_key


class KeyDraft(Struct, frozen=True, kw_only=True):
    """A new key, as it is asked for: for a principal that exists, or a new one of a role."""

    name: str
    principal_id: str | None = None
    role: Role | None = None
    permissions: tuple[str, ...] | None = None
    """None: all that its principal may."""
    expires_at_ms: int | None = None


class NewKey(Struct, frozen=True):
    """A key at the only moment when its text is known."""

    text: str
    key: ApiKey
    principal: Principal


class Keys:
    """Making, reading and ending API keys. `organization_id` None is the actor's own."""

    def __init__(
        self, *, store: Store, clock: Clock, credential_readers: Collection[Role] = ()
    ) -> None:
        """`credential_readers` are the roles that see what is stored of credentials."""
        self._store = store
        self._clock = clock
        self._readers = credential_readers

    async def create(
        self, who: Actor, draft: KeyDraft, organization_id: str | None = None
    ) -> NewKey:
        """Make a key. Raises Forbidden, NotFound (of the organization), Invalid."""
        of = administered(who, organization_id)
        async with self._store.writing() as work:
            await found_organization(work, of)
            return await add_key(
                work, self._clock, who, of, draft, credential_readers=self._readers
            )

    def permissions(self, key: ApiKey, principal: Principal) -> frozenset[Permission]:
        """Give what a key allows."""
        return actor(key, principal, self._readers).permissions

    async def get(
        self, who: Actor, key_id: str, organization_id: str | None = None
    ) -> tuple[ApiKey, Principal]:
        """Read one. Raises Forbidden; NotFound for what the actor may not see."""
        of = administered(who, organization_id)
        async with self._store.reading() as work:
            return await _found(work, of, key_id)

    async def page(
        self, who: Actor, query: PageQuery, organization_id: str | None = None
    ) -> Page[tuple[ApiKey, Principal]]:
        """Read a page, newest first, ended ones too. Raises Forbidden, NotFound."""
        of = administered(who, organization_id)
        async with self._store.reading() as work:
            await found_organization(work, of)
            return await work.principals.keys(of, query)

    async def revoke(
        self, who: Actor, id_or_name: str, organization_id: str | None = None
    ) -> ApiKey:
        """End the key of this id, or the only one of this name that has not ended.

        Raises Forbidden; NotFound where there is none, Conflict where several have the name.
        """
        of = administered(who, organization_id)
        async with self._store.writing() as work:
            key = await _chosen(work, of, id_or_name)
            return await self._end(work, who, key)

    async def end(self, who: Actor, key_id: str, organization_id: str | None = None) -> None:
        """End the key of this id. Raises Forbidden; NotFound where there is none."""
        of = administered(who, organization_id)
        async with self._store.writing() as work:
            key, _ = await _found(work, of, key_id)
            await self._end(work, who, key)

    async def _end(self, work: WriteWork, who: Actor, key: ApiKey) -> ApiKey:
        """End a key; one that has ended stays as it is."""
        if key.revoked_at_ms is not None:
            return key
        now_ms = self._clock.now_ms()
        await work.principals.revoke_key(key, now_ms)
        await work.audit.record(_entry(self._clock, who, "key.revoke", key))
        return msgspec.structs.replace(key, revoked_at_ms=now_ms)


async def add_key(
    work: WriteWork,
    clock: Clock,
    who: Actor,
    organization_id: str,
    draft: KeyDraft,
    *,
    credential_readers: Collection[Role] = (),
) -> NewKey:
    """Make a key within a transaction that is under way. Raises Forbidden, Invalid."""
    require_name(draft.name)
    now_ms = clock.now_ms()
    if draft.expires_at_ms is not None and draft.expires_at_ms <= now_ms:
        raise Invalid(Problem(("expires_at",), "must be in the future", "invalid"))
    if who.expires_at_ms is not None and (draft.expires_at_ms or inf) > who.expires_at_ms:
        message = "must not be later than the end of the key that makes it"
        raise Invalid(Problem(("expires_at",), message, "beyond_maker"))
    principal = await _principal(
        work, clock, who, organization_id, draft, credential_readers=credential_readers
    )
    text = api_key.generate()
    key = ApiKey(
        id=clock.new_id(),
        organization_id=organization_id,
        principal_id=principal.id,
        name=draft.name,
        digest=api_key.digest(text),
        created_at_ms=now_ms,
        permissions=_permissions(who, principal, draft, credential_readers),
        expires_at_ms=draft.expires_at_ms,
    )
    await work.principals.add_key(key)
    await work.audit.record(_entry(clock, who, "key.create", key))
    return NewKey(text, key, principal)


async def _principal(
    work: WriteWork,
    clock: Clock,
    who: Actor,
    organization_id: str,
    draft: KeyDraft,
    *,
    credential_readers: Collection[Role],
) -> Principal:
    if (draft.principal_id is None) == (draft.role is None):
        raise Invalid(
            Problem(
                ("principal_id",),
                "name either a principal that exists or the role of a new one",
                "conflict",
            )
        )
    if draft.role is not None:
        new = Principal(clock.new_id(), organization_id, draft.name, draft.role, clock.now_ms())
        return await add_principal(work, clock, who, new, credential_readers)
    try:
        return await found_principal(work, organization_id, str(draft.principal_id))
    except NotFound as error:
        raise Invalid(Problem(("principal_id",), error.message, "not_found")) from None


def _permissions(
    who: Actor, principal: Principal, draft: KeyDraft, credential_readers: Collection[Role]
) -> tuple[str, ...] | None:
    """Give what is stored of a key's permissions; nobody hands on more than they hold."""
    of = principal.organization_id
    whole = role_permissions(principal.role, of, credential_readers)
    if draft.permissions is None:
        within(who, of, whole, draft.principal_id)
        return None
    asked = frozenset(draft.permissions)
    for unknown in asked - frozenset(PERMISSIONS):
        position = draft.permissions.index(unknown)
        raise Invalid(Problem(("permissions", position), "is not a permission", "unknown"))
    if asked - whole:
        lacking = ", ".join(sorted(asked - whole))
        raise Invalid(
            Problem(("permissions",), f"the principal's role lacks {lacking}", "beyond_role")
        )
    within(who, of, asked, draft.principal_id)
    return tuple(sorted(asked))


async def _found(
    work: ReadWork | WriteWork, organization_id: str, key_id: str
) -> tuple[ApiKey, Principal]:
    key = await work.principals.key(organization_id, key_id) if is_id(key_id) else None
    if key is None:
        raise _no_key()
    return key


async def _chosen(work: WriteWork, organization_id: str, id_or_name: str) -> ApiKey:
    if is_id(id_or_name):
        found = await work.principals.key(organization_id, id_or_name)
        if found is not None:
            return found[0]
    named = await work.principals.keys_named(organization_id, id_or_name)
    active = [key for key in named if key.revoked_at_ms is None]
    if not active:
        raise NotFound("There is no active API key with this id or name.")
    if len(active) > 1:
        ids = ", ".join(key.id for key in active)
        raise Conflict(f"Several keys have this name; use an id: {ids}.", code="ambiguous_name")
    return active[0]


def _entry(clock: Clock, who: Actor, action: str, key: ApiKey) -> AuditEntry:
    of = key.organization_id
    return entry(clock, who, action, key.id, organization_id=of)


def _no_key() -> NotFound:
    return NotFound("There is no API key with this id.")
