"""How a process hears what another one changed: the audit trail, read by its numbers."""

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic

from dragoman.domain.change import Change, Noun
from dragoman.domain.ports import Memory
from dragoman.storage.database import Database, Row, Watcher

log = logging.getLogger(__name__)

RETRY_INTERVAL_S = 0.25
ROWS_AT_ONCE = 500

NOUNS = frozenset(noun.value for noun in Noun)

NEWEST = "SELECT revision FROM deployment"
SINCE = """
SELECT revision, organization_id, action, target_id FROM audit
WHERE revision > :seen ORDER BY revision LIMIT :limit
"""


class SqlChangeFeed:
    """Reads each change once, in order; what may have been missed has everything forgotten.

    While the database is away, a process goes on with what it knows, for at most `stale_max_s`;
    afterwards nothing learned before is kept.
    """

    def __init__(self, database: Database, stale_max_s: float) -> None:
        self._database = database
        self._stale_max_s = stale_max_s
        self._seen = 0
        self._is_away = False
        self._heard_at = monotonic()
        self.is_connected = False
        """Whether changes are heard right now."""
        self.is_stale = False
        """Whether the database has been away for longer than what is known may be believed."""

    @property
    def silent_s(self) -> float | None:
        """How long changes have not been heard [s], or None while they are."""
        return None if self.is_connected else monotonic() - self._heard_at

    async def follow(self, memory: Memory) -> None:
        """Tell of each change, until cancelled."""
        while True:
            try:
                async with self._database.watch() as watcher:
                    await self._begin(watcher, memory)
                    await self._tell_on(watcher, memory)
            except Exception as error:  # noqa: BLE001  # without its feed a process never learns
                self._note_away(error)
            if monotonic() - self._heard_at > self._stale_max_s:
                self.is_stale = True
                memory.forget()
            await asyncio.sleep(RETRY_INTERVAL_S)

    async def _begin(self, watcher: Watcher, memory: Memory) -> None:
        """Start anew: what has happened until now is not known."""
        self._seen = await _newest(watcher)
        memory.forget()
        self._heard_at = monotonic()
        self.is_connected, self.is_stale, self._is_away = True, False, False

    async def _tell_on(self, watcher: Watcher, memory: Memory) -> None:
        while True:
            await watcher.news()
            while (newest := await _newest(watcher)) != self._seen:
                await self._tell(watcher, memory, newest)
            self._heard_at = monotonic()

    async def _tell(self, watcher: Watcher, memory: Memory, newest: int) -> None:
        """Tell of the next changes, at most so many at once."""
        seen = {"seen": self._seen, "limit": ROWS_AT_ONCE}
        rows = await watcher.fetch(SINCE, seen) if newest > self._seen else []
        changes = _changes(rows, after=self._seen)
        # Numbers that are missing, or smaller than those before: rows were deleted, or another
        # state of the database has been put in its place.
        self._seen = rows[-1][0] if changes else newest
        if changes:
            memory.changed(changes)
        else:
            memory.forget()

    def _note_away(self, error: Exception) -> None:
        self.is_connected = False
        if not self._is_away:
            log.warning("change_feed_interrupted", extra={"reason": str(error)})
        self._is_away = True


async def _newest(watcher: Watcher) -> int:
    rows = await watcher.fetch(NEWEST, {})
    return int(rows[0][0]) if rows else 0


def _changes(rows: Sequence[Row], after: int) -> list[Change] | None:
    """Read changes; None unless all are there and of a kind that is known."""
    changes = []
    for number, (revision, organization_id, action, target_id) in enumerate(rows, after + 1):
        noun = action.partition(".")[0]
        if revision != number or noun not in NOUNS:
            return None
        changes.append(Change(revision, Noun(noun), organization_id, target_id))
    return changes
