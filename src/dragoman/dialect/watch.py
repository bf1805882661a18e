"""Noticing that a caller has gone away, while its call is under way."""

import asyncio

from dragoman.dialect.exchange import CallerGone
from dragoman.dialect.record import Caller


class Watch:
    """Ends the work of its block when the caller goes away, with `CallerGone`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._ended: asyncio.Task[object] | None = None

    def __enter__(self) -> None:
        self._caller.when_gone(self._end)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._caller.when_gone(None)
        if self._ended is not None and kind in {None, asyncio.CancelledError}:
            self._ended.uncancel()
            raise CallerGone

    def _end(self, worker: "asyncio.Task[object]") -> None:
        self._ended = worker
        worker.cancel()
