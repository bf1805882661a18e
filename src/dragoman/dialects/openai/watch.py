"""Noticing that a caller has gone away, while its call is under way."""

import asyncio

from dragoman.dialect.exchange import CallerGone
from dragoman.dialect.record import Receive

WATCH_AFTER_S = 0.25
"""When to begin watching whether the caller is still there. Answers that come sooner are spared
the cost of a task; others end this much later at most."""


class Watch:
    """Ends the work of its block when the caller goes away."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watcher: asyncio.Task[None] | None = None
        self._gone = False

    def __enter__(self) -> None:
        self._worker = asyncio.current_task()
        loop = asyncio.get_running_loop()
        self._start = loop.call_later(WATCH_AFTER_S, self._begin)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._start.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._gone and self._worker is not None and kind in {None, asyncio.CancelledError}:
            self._worker.uncancel()
            raise CallerGone

    def _begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._worker is not None:
            self._worker.cancel()
