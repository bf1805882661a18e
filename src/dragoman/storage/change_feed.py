"""How a process hears that another one changed the registry."""

import asyncio

from dragoman.domain.errors import Unavailable
from dragoman.domain.ports import OnChange
from dragoman.storage.sqlite import SqliteDatabase

POLL_INTERVAL_S = 0.1


class SqliteChangeFeed:
    """Watches SQLite's data version, which moves with every commit of any process."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def follow(self, on_change: OnChange) -> None:
        """Call back after each change until cancelled; while the database is away, after each look.

        What was heard while it was away cannot be known, so nothing learned before is kept.
        """
        seen = None
        while True:
            try:
                version = await self._database.data_version()
            except Unavailable:
                version = None
            if version is None or version != seen:
                seen = version
                on_change()
            await asyncio.sleep(POLL_INTERVAL_S)
