"""From a credential on a request to somebody who acts."""

from collections.abc import Collection, Sequence

from dragoman.authz.check import Actor, actor, both
from dragoman.domain.cache import Cache
from dragoman.domain.change import Change, Noun
from dragoman.domain.errors import Unauthenticated
from dragoman.domain.ports import Clock, Store
from dragoman.domain.principal import Role
from dragoman.vault.api_key import PresentedKey, is_well_formed

CACHED_ACTORS = 10_000
UNKNOWN_KEYS_MS = 5_000
"""How long a key that does not exist is remembered as such [ms]."""


class Authenticator:
    """Verifies API keys; remembers what it found until something changes."""

    def __init__(
        self, *, store: Store, clock: Clock, credential_readers: Collection[Role] = ()
    ) -> None:
        """`credential_readers` are the roles that see what is stored of credentials."""
        self._store = store
        self._clock = clock
        self._credential_readers = credential_readers
        self._actors: Cache[bytes, Actor] = Cache(CACHED_ACTORS)
        self._unknown: Cache[bytes, int] = Cache(CACHED_ACTORS)

    def forget(self) -> None:
        """Forget everybody."""
        self._actors.clear()
        self._unknown.clear()

    def changed(self, changes: Sequence[Change]) -> None:
        """Forget whom these changes may concern."""
        for change in changes:
            if change.noun in {Noun.KEY, Noun.PRINCIPAL, Noun.ORGANIZATION}:
                self._actors.clear(change.organization_id)
                self._unknown.clear()

    async def authenticate(self, keys: Sequence[str]) -> Actor:
        """Give the actor of a request that carries these API keys, at most two.

        Raises Unauthenticated where there is none, or one does not verify.
        """
        return await self.verify([PresentedKey(key) for key in keys])

    async def verify(self, keys: Sequence[PresentedKey]) -> Actor:
        """Do the same for keys whose digests are known already."""
        if not keys:
            raise Unauthenticated(
                "Missing API key. Send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'."
            )
        who = await self._verify(keys[0])
        for key in keys[1:]:
            if key.digest != keys[0].digest:
                who = both(who, await self._verify(key))
        return who

    async def _verify(self, key: PresentedKey) -> Actor:
        who = self._actors.get(key.digest)
        if who is None:
            if not is_well_formed(key.text):
                raise _invalid()
            who = await self._look_up(key.digest)
        if who.expires_at_ms is not None and who.expires_at_ms <= self._clock.now_ms():
            raise _invalid()
        return who

    async def _look_up(self, digest: bytes) -> Actor:
        now_ms = self._clock.now_ms()
        if self._unknown.get(digest, 0) > now_ms:
            raise _invalid()
        epoch, unknown_epoch = self._actors.epoch, self._unknown.epoch
        async with self._store.reading() as work:
            found = await work.principals.by_digest(digest)
        if found is None or found[0].revoked_at_ms is not None:
            self._unknown.put(digest, now_ms + UNKNOWN_KEYS_MS, unknown_epoch)
            raise _invalid()
        who = actor(*found, self._credential_readers)
        self._actors.put(digest, who, epoch, who.organization_id)
        return who


def _invalid() -> Unauthenticated:
    return Unauthenticated("Invalid API key.")
