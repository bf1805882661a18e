"""Lending the operator's secrets: whether it is granted, and which source has it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from dragoman.domain.cache import Cache
from dragoman.domain.change import Change, Noun
from dragoman.domain.credential import GoogleAdc, Held
from dragoman.domain.errors import CredentialUnusable
from dragoman.domain.grant import GOOGLE_ADC, Grant, is_granted
from dragoman.domain.ports import Store
from dragoman.vault.held import Lent

CACHED_ORGANIZATIONS = 10_000

NOT_THERE = (
    "The LLM's credential names a secret that the operator does not hold, or has not granted to "
    "this organization for these origins."
)


class Source(Protocol):
    """One place that secrets come from."""

    async def fetch(self, held: Held) -> Lent | None:
        """Give a secret, or None where there is none of this name.

        Raises CredentialUnusable where the source cannot be asked.
        """
        ...


class SecretSources:
    """Implements `HeldSecrets`; remembers grants until one of them changes."""

    def __init__(self, *, store: Store, sources: Mapping[str, Source]) -> None:
        """Take sources by the scheme of their references; Google's is `google-adc`."""
        self._store = store
        self._sources = sources
        self._grants: Cache[str, list[Grant]] = Cache(CACHED_ORGANIZATIONS)

    def changed(self, changes: Sequence[Change]) -> None:
        """Forget the grants that these changes are about."""
        for change in changes:
            if change.noun is Noun.GRANT:
                self._grants.clear(change.organization_id)

    def forget(self) -> None:
        """Forget everything."""
        self._grants.clear()

    async def lend(self, organization_id: str, held: Held, origins: Collection[str]) -> Lent:
        """Give a secret that may be sent to these origins. Raises CredentialUnusable."""
        source = self._sources.get(_scheme(held))
        if source is None or not is_granted(await self._granted(organization_id), held, origins):
            raise CredentialUnusable(NOT_THERE)
        lent = await source.fetch(held)
        if lent is None:
            raise CredentialUnusable(NOT_THERE)
        return lent

    async def _granted(self, organization_id: str) -> list[Grant]:
        known = self._grants.get(organization_id)
        if known is not None:
            return known
        epoch = self._grants.epoch
        async with self._store.reading() as work:
            grants = await work.grants.of(organization_id)
        self._grants.put(organization_id, grants, epoch, organization_id)
        return grants


def _scheme(held: Held) -> str:
    return GOOGLE_ADC if isinstance(held, GoogleAdc) else held.uri.partition("://")[0]
