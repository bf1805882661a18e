"""From a credential on a request to somebody who acts."""

from collections.abc import Sequence

from dragoman.authz.check import Actor, actor, both
from dragoman.domain.cache import Cache
from dragoman.domain.errors import Unauthenticated
from dragoman.domain.ports import Clock, Store
from dragoman.vault import api_key

CACHED_ACTORS = 10_000


class Authenticator:
    """Verifies API keys; remembers those that verified until something changes."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._actors: Cache[bytes, Actor] = Cache(CACHED_ACTORS)
        self.forget = self._actors.clear

    async def authenticate(self, keys: Sequence[str]) -> Actor:
        """Give the actor of a request that carries these API keys, at most two.

        Raises Unauthenticated where there is none, or one does not verify.
        """
        if not keys:
            raise Unauthenticated("Missing API key. Send it as 'Authorization: Bearer <key>'.")
        who = await self._verify(keys[0])
        for key in keys[1:]:
            if key != keys[0]:
                who = both(who, await self._verify(key))
        return who

    async def _verify(self, key: str) -> Actor:
        digest = api_key.digest(key)
        who = self._actors.get(digest)
        if who is None:
            if not api_key.is_well_formed(key):
                raise Unauthenticated("Invalid API key.")
            who = await self._look_up(digest)
        if who.expires_at_ms is not None and who.expires_at_ms <= self._clock.now_ms():
            raise Unauthenticated("Invalid API key.")
        return who

    async def _look_up(self, digest: bytes) -> Actor:
        epoch = self._actors.epoch
        async with self._store.reading() as work:
            found = await work.principals.by_digest(digest)
        if found is None or found[0].revoked_at_ms is not None:
            raise Unauthenticated("Invalid API key.")
        who = actor(*found)
        self._actors.put(digest, who, epoch)
        return who
