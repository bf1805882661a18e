"""Organizations, principals and API keys in memory."""

import msgspec

from dragoman.domain.page import Page, PageQuery
from dragoman.domain.principal import ApiKey, Organization, Principal
from tests.fakes.tables import Tables, made, one_page, refuse


class FakeReadPrincipals:
    """Organizations, principals and keys, to look at."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def by_digest(self, digest: bytes) -> tuple[ApiKey, Principal] | None:
        found = [key for key in self._tables.keys.values() if key.digest == digest]
        return self._with_principal(found[0]) if found else None

    async def organization_named(self, name: str) -> Organization | None:
        named = [each for each in self._tables.organizations.values() if each.name == name]
        return named[0] if named else None

    async def organization(self, organization_id: str) -> Organization | None:
        return self._tables.organizations.get(organization_id)

    async def organizations(self, query: PageQuery) -> Page[Organization]:
        return one_page(self._tables.organizations.values(), query, made)

    async def principal(self, organization_id: str, principal_id: str) -> Principal | None:
        found = self._tables.principals.get(principal_id)
        return found if found and found.organization_id == organization_id else None

    async def principals(self, organization_id: str, query: PageQuery) -> Page[Principal]:
        everybody = self._tables.principals.values()
        found = [each for each in everybody if each.organization_id == organization_id]
        return one_page(found, query, made)

    async def key(self, organization_id: str, key_id: str) -> tuple[ApiKey, Principal] | None:
        found = self._tables.keys.get(key_id)
        is_theirs = found is not None and found.organization_id == organization_id
        return self._with_principal(found) if found and is_theirs else None

    async def keys(self, organization_id: str, query: PageQuery) -> Page[tuple[ApiKey, Principal]]:
        page = one_page(self._of(organization_id), query, made)
        items = tuple(self._with_principal(key) for key in page.items)
        return Page(items, page.total, page.next)

    async def keys_named(self, organization_id: str, name: str) -> list[ApiKey]:
        return [key for key in self._of(organization_id) if key.name == name]

    def _of(self, organization_id: str) -> list[ApiKey]:
        everything = self._tables.keys.values()
        return [key for key in everything if key.organization_id == organization_id]

    def _with_principal(self, key: ApiKey) -> tuple[ApiKey, Principal]:
        return key, self._tables.principals[key.principal_id]


class FakeWritePrincipals(FakeReadPrincipals):
    """Organizations, principals and keys, to change."""

    async def add_organization(self, organization: Organization) -> None:
        is_there = organization.id in self._tables.organizations
        refuse(where=is_there, message="the organization is there already")
        self._put(organization)

    async def replace_organization(self, organization: Organization) -> None:
        current = self._tables.organizations.get(organization.id)
        if current is not None:
            self._put(msgspec.structs.replace(current, name=organization.name))

    async def add_principal(self, principal: Principal) -> None:
        known = principal.organization_id in self._tables.organizations
        is_there = principal.id in self._tables.principals
        refuse(where=is_there, message="the principal is there already")
        refuse(where=not known, message="the organization is not there")
        self._tables.principals[principal.id] = principal

    async def replace_principal(self, principal: Principal) -> None:
        current = await self.principal(principal.organization_id, principal.id)
        if current is not None:
            changed = msgspec.structs.replace(current, name=principal.name, role=principal.role)
            self._tables.principals[principal.id] = changed

    async def remove_principal(self, principal: Principal) -> None:
        for key in list(self._tables.keys.values()):
            if key.principal_id == principal.id:
                del self._tables.keys[key.id]
        self._tables.principals.pop(principal.id, None)

    async def owns_llms(self, principal: Principal) -> bool:
        owned = (principal.organization_id, principal.id)
        everything = self._tables.llms.values()
        return any((llm.organization_id, llm.owner_id) == owned for llm in everything)

    async def add_key(self, key: ApiKey) -> None:
        known = key.principal_id in self._tables.principals
        digests = {each.digest for each in self._tables.keys.values()}
        refuse(where=key.id in self._tables.keys, message="the key is there already")
        refuse(where=key.digest in digests, message="the digest is another key's")
        refuse(where=not known, message="the principal is not there")
        self._tables.keys[key.id] = key

    async def revoke_key(self, key: ApiKey, revoked_at_ms: int) -> None:
        current = self._tables.keys.get(key.id)
        if current is not None and current.revoked_at_ms is None:
            ended = msgspec.structs.replace(current, revoked_at_ms=revoked_at_ms)
            self._tables.keys[key.id] = ended

    def _put(self, organization: Organization) -> None:
        others = [
            each for each in self._tables.organizations.values() if each.id != organization.id
        ]
        taken = organization.name in {each.name for each in others}
        refuse(where=taken, message="the name is another organization's")
        self._tables.organizations[organization.id] = organization
