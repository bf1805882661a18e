"""Lending the operator's secrets: whether it is granted, and which source has it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from dragoman.domain.cache import Cache
from dragoman.domain.change import Change, Noun
from dragoman.domain.credential import GoogleAdc, Held, SecretReference
from dragoman.domain.errors import CredentialUnusable
from dragoman.domain.grant import Grant, is_google, is_granted
from dragoman.domain.ports import Store
from dragoman.domain.url import parse_origin
from dragoman.vault.held import Lent
from dragoman.vault.secret import unsendable

CACHED_ORGANIZATIONS = 10_000

NOT_THERE = (
    "The LLM's credential names a secret that the operator does not hold, or has not granted to "
    "this organization for these origins."
)


class Source(Protocol):
    """One place that secrets come from."""

    async def fetch(self, uri: str) -> Lent | None:
        """Give a secret, or None where there is none of this name.

        Raises CredentialUnusable where that cannot be found out.
        """
        ...


class TokenSource(Protocol):
    """Where access tokens come from."""

    async def fetch(self, scopes: tuple[str, ...]) -> Lent | None:
        """Give a token for these scopes. Raises CredentialUnusable."""
        ...


class SecretSources:
    """Implements `HeldSecrets`; remembers grants until one of them changes."""

    def __init__(
        self, *, store: Store, sources: Mapping[str, Source], google: TokenSource | None = None
    ) -> None:
        """Take sources by the scheme of their references."""
        self._store = store
        self._sources = sources
        self._google = google
        self._grants: Cache[str, list[Grant]] = Cache(CACHED_ORGANIZATIONS)

    def changed(self, changes: Sequence[Change]) -> None:
        """Forget the grants that these changes are about."""
        for change in changes:
            if change.noun is Noun.GRANT:
                self._grants.clear(change.organization_id)

    def forget(self) -> None:
        """Forget every grant."""
        self._grants.clear()

    async def lend(self, organization_id: str, held: Held, origins: Collection[str]) -> Lent:
        """Give a secret that may be sent to these origins. Raises CredentialUnusable."""
        lent = None
        if _may_go_to(held, origins) and is_granted(
            await self._granted(organization_id), held, origins
        ):
            lent = await self._fetch(held)
        if lent is None:
            raise CredentialUnusable(NOT_THERE)
        problem = unsendable(lent.secret)
        if problem is not None:
            raise CredentialUnusable(f"The secret that the LLM's credential names {problem}.")
        return lent

    async def _fetch(self, held: Held) -> Lent | None:
        match held:
            case GoogleAdc(scopes=scopes):
                return await self._google.fetch(scopes) if self._google else None
            case SecretReference(uri=uri):
                source = self._sources.get(uri.partition("://")[0])
                return await source.fetch(uri) if source else None

    async def _granted(self, organization_id: str) -> list[Grant]:
        known = self._grants.get(organization_id)
        if known is not None:
            return known
        epoch = self._grants.epoch
        async with self._store.reading() as work:
            grants = await work.grants.of(organization_id)
        self._grants.put(organization_id, grants, epoch, organization_id)
        return grants


def _may_go_to(held: Held, origins: Collection[str]) -> bool:
    """Hold back what never goes there, whatever was granted."""
    return not isinstance(held, GoogleAdc) or all(map(is_google, map(parse_origin, origins)))
