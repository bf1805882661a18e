"""What a source said, for a while: asked once for all who wait, lent on while it is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from dragoman.domain.cache import Cache
from dragoman.domain.errors import CredentialUnusable, DragomanError
from dragoman.domain.ports import Clock
from dragoman.vault.held import Lent
from dragoman.vault.secret import Secret

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

REMEMBERED_SECRETS = 10_000
"""A grant that ends in `/*` lets its organization make up names."""

FAILED_FOR_MS = 2_000
"""How long it is remembered that there is no secret, or that its source could not be asked [ms]: a
source that is down, or a name that is wrong, is not asked for with every call."""

RETRY_MS = 5_000
"""How long a source that could not be asked is left alone while a secret is lent on [ms]."""

DEADLINE_S = 12.0
"""How long a source may take for everything [s]: its answer over the network, which has ten
seconds, and files that it reads before, whose file system may hang."""

PATIENCE_S = 1.0
"""How long a call waits for a source while there is a secret that still works [s]."""


class SourceUnreachable(CredentialUnusable):
    """A source cannot be asked, or gives no answer: it is not known what it holds."""


def told(error: CredentialUnusable) -> str:
    """Say to the operator what callers are told, and what was behind it; no secret is in either."""
    cause = error.__cause__
    return f"{error.message} {cause.message}" if isinstance(cause, DragomanError) else error.message


class Fetched(Struct, frozen=True):
    """A secret, as its source gave it."""

    secret: Secret
    fresh_until_ms: int
    """When it is asked for again [ms since 1970]."""
    usable_until_ms: int
    """Until when it is lent while its source cannot be asked [ms since 1970]."""


class Remembered(Generic[K]):
    """Lends what a source gives for a key, and asks it no more often than needed.

    Several callers ask once, and one that leaves does not end it for the others. What the source
    gave last is lent on while it cannot be asked, and no longer than until `usable_until_ms`; where
    the source says that there is nothing, or refuses, nothing is lent.
    """

    def __init__(
        self, source: str, fetch: Callable[[K], Awaitable[Fetched | None]], clock: Clock
    ) -> None:
        """`source` is what the log calls it.

        `fetch` raises SourceUnreachable where the source cannot be asked, and CredentialUnusable
        where it refuses.
        """
        self._source = source
        self._fetch = fetch
        self._clock = clock
        self._said: Cache[K, _Said] = Cache(REMEMBERED_SECRETS)
        self._asking: dict[K, _Asking] = {}

    async def lend(self, key: K) -> Lent | None:
        """Give a secret, or None where there is none. Raises CredentialUnusable."""
        said = self._said.get(key)
        if said is None or self._clock.now_ms() >= said.until_ms:
            said = await self._asked(key)
        if said.problem is not None:
            raise CredentialUnusable(said.problem)
        return None if said.fetched is None else Lent(said.fetched.secret, said.until_ms)

    async def _asked(self, key: K) -> "_Said":
        """Ask, or join whoever asks already; with something usable at hand, not for long."""
        loop = asyncio.get_running_loop()
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = _Asking(loop.create_task(self._ask(key)), loop.time())
        lent_on = self._lent_on(key)
        patience_s = None
        if lent_on is not None:
            patience_s = max(0.0, asking.began_at + PATIENCE_S - loop.time())
        await asyncio.wait({asking.task}, timeout=patience_s)
        return lent_on if lent_on and not asking.task.done() else asking.task.result()

    async def _ask(self, key: K) -> "_Said":
        try:
            said = await self._answer(key)
            self._said.put(key, said, self._said.epoch)
        finally:
            del self._asking[key]
        return said

    async def _answer(self, key: K) -> "_Said":
        try:
            fetched = await self._in_time(key)
        except CredentialUnusable as error:
            self._log(key, error)
            lent_on = self._lent_on(key) if isinstance(error, SourceUnreachable) else None
            return lent_on or _Said(self._now_and(FAILED_FOR_MS), problem=error.message)
        if fetched is None:
            return _Said(self._now_and(FAILED_FOR_MS))
        return _Said(fetched.fresh_until_ms, fetched)

    async def _in_time(self, key: K) -> Fetched | None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self._fetch(key)
        except TimeoutError:
            raise SourceUnreachable(
                "The source of the LLM's credential took too long (timeout)."
            ) from None

    def _lent_on(self, key: K) -> "_Said | None":
        """Give what the source said last, for a little longer, if that may still be used."""
        said = self._said.get(key)
        if said is None or said.fetched is None:
            return None
        until_ms = min(self._now_and(RETRY_MS), said.fetched.usable_until_ms)
        return replace(said, until_ms=until_ms) if until_ms > self._clock.now_ms() else None

    def _now_and(self, time_ms: int) -> int:
        return self._clock.now_ms() + time_ms

    def _log(self, key: K, error: CredentialUnusable) -> None:
        fields = {"source": self._source, "secret": str(key), "reason": told(error)}
        log.warning("secret_not_fetched", extra=fields)


class _Said(Struct, frozen=True):
    """What came of asking: a secret, that there is none, or why it cannot be had."""

    until_ms: int
    fetched: Fetched | None = None
    problem: str | None = None


class _Asking(NamedTuple):
    task: "asyncio.Task[_Said]"
    began_at: float
    """[loop time]"""
