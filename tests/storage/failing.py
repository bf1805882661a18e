"""A database that can be made to fail, for whoever watches it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from dragoman.storage.database import Database, Row, Watcher


class Failing:
    """A database that can be made to fail."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._failure: Exception | None = None
        self.read, self.write = database.read, database.write
        self.ping, self.close = database.ping, database.close

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Watcher]:
        self.fail()
        async with self._database.watch() as watcher:
            yield _FailingWatcher(watcher, self.fail)

    def fail_with(self, failure: Exception | None) -> None:
        """From now on."""
        self._failure = failure

    def fail(self) -> None:
        """Fail if told to."""
        if self._failure is not None:
            raise self._failure


class _FailingWatcher:
    def __init__(self, watcher: Watcher, fail: Callable[[], None]) -> None:
        self._watcher = watcher
        self._fail = fail

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        self._fail()
        return await self._watcher.fetch(sql, parameters)

    async def news(self) -> None:
        """Wait for news, or for a failure."""
        waiting = asyncio.create_task(self._watcher.news())
        try:
            while not (await asyncio.wait([waiting], timeout=0.05))[0]:
                self._fail()
        finally:
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
