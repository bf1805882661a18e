"""API keys, as the operator makes and ends them on the data directory."""

from msgspec import Struct

from dragoman.domain.audit import AuditEntry
from dragoman.domain.errors import Invalid, NotFound, Problem
from dragoman.domain.llm import MAX_NAME_LENGTH
from dragoman.domain.ports import Clock, ReadWork, Store, WriteWork
from dragoman.domain.principal import ApiKey, Organization, Principal, Role
from dragoman.vault import api_key

OPERATOR = "operator"
DEFAULT_ORGANIZATION = "default"


class NewKey(Struct, frozen=True):
    """A key at the only moment when its text is known."""

    text: str
    key: ApiKey
    principal: Principal


class Keys:
    """Making, listing and revoking API keys."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, organization_name: str, role: Role, name: str) -> NewKey:
        """Make a key, and a principal of that name and role for it to act as.

        Raises NotFound where there is no such organization, Invalid for a bad name.
        """
        async with self._store.writing() as work:
            organization = await _organization(work, organization_name)
            return await add_key(work, self._clock, organization, role, name)

    async def of_organization(self, organization_name: str) -> list[tuple[ApiKey, Principal]]:
        """List an organization's keys, ended ones too. Raises NotFound."""
        async with self._store.reading() as work:
            organization = await _organization(work, organization_name)
            return await work.principals.keys(organization.id)

    async def revoke(self, organization_name: str, id_or_name: str) -> ApiKey:
        """End the key of this id, or the only one of this name that has not ended.

        Raises NotFound where there is none, Invalid where several have the name.
        """
        async with self._store.writing() as work:
            organization = await _organization(work, organization_name)
            keys = [key for key, _ in await work.principals.keys(organization.id)]
            key = _chosen(keys, id_or_name)
            if key.revoked_at_ms is not None:
                return key
            await work.principals.revoke_key(key, self._clock.now_ms())
            await work.audit.record(_entry(self._clock, organization, "key.revoke", key))
        return key


async def add_key(
    work: WriteWork, clock: Clock, organization: Organization, role: Role, name: str
) -> NewKey:
    """Make a key within a transaction that is under way."""
    if not 1 <= len(name.strip()) <= MAX_NAME_LENGTH or not name.isprintable():
        raise Invalid(
            Problem(("name",), f"must be 1 to {MAX_NAME_LENGTH} printable characters", "invalid")
        )
    now_ms = clock.now_ms()
    text = api_key.generate()
    principal = Principal(clock.new_id(), organization.id, name, role, now_ms)
    key = ApiKey(clock.new_id(), organization.id, principal.id, name, api_key.digest(text), now_ms)
    await work.principals.add_principal(principal)
    await work.principals.add_key(key)
    await work.audit.record(_entry(clock, organization, "key.create", key))
    return NewKey(text, key, principal)


async def _organization(work: ReadWork | WriteWork, name: str) -> Organization:
    organization = await work.principals.organization_named(name)
    if organization is None:
        raise NotFound(f"There is no organization named '{name}'.")
    return organization


def _chosen(keys: list[ApiKey], id_or_name: str) -> ApiKey:
    for key in keys:
        if key.id == id_or_name:
            return key
    named = [key for key in keys if key.name == id_or_name and key.revoked_at_ms is None]
    if not named:
        raise NotFound("There is no active key of this id or name; see 'dragoman key list'.")
    if len(named) > 1:
        ids = ", ".join(key.id for key in named)
        raise Invalid(Problem(("name",), f"several keys have this name; use an id: {ids}", "many"))
    return named[0]


def _entry(clock: Clock, organization: Organization, action: str, key: ApiKey) -> AuditEntry:
    return AuditEntry(
        id=clock.new_id(),
        at_ms=clock.now_ms(),
        organization_id=organization.id,
        actor_id=OPERATOR,
        key_id=None,
        action=action,
        target_id=key.id,
    )
