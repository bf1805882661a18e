"""How a process hears that another one changed the registry."""

import asyncio
import logging
from collections.abc import Callable

from dragoman.storage.sqlite import SqliteDatabase

OnChange = Callable[[], None]

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.1


class SqliteChangeFeed:
    """Watches SQLite's data version, which moves with every commit of any process.

    While the database is away, a process goes on with what it knows, for at most `stale_max_s`;
    what happened meanwhile cannot be known, so afterwards nothing learned before is kept.
    """

    def __init__(self, database: SqliteDatabase, stale_max_s: float) -> None:
        self._database = database
        self._stale_max_s = stale_max_s
        self._is_away = False

    async def follow(self, on_change: OnChange) -> None:
        """Call back after each change, until cancelled."""
        clock = asyncio.get_running_loop().time
        seen, seen_at = None, clock()
        while True:
            version = await self._version()
            if version is None:
                seen = None
                if clock() - seen_at > self._stale_max_s:
                    on_change()
            else:
                seen_at = clock()
                if version != seen:
                    seen = version
                    on_change()
            await asyncio.sleep(POLL_INTERVAL_S)

    async def _version(self) -> int | None:
        try:
            version = await self._database.data_version()
        except Exception as error:  # noqa: BLE001  # without its feed a process never learns again
            if not self._is_away:
                log.warning("change_feed_interrupted", extra={"reason": str(error)})
            self._is_away = True
            return None
        self._is_away = False
        return version
