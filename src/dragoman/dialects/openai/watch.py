"""Noticing that a caller has gone away, while its call is under way."""

import asyncio

from dragoman.dialect.exchange import CallerGone
from dragoman.dialect.record import GONE, Scope


class Watch:
    """Ends the work of its block when the caller goes away, with `CallerGone`."""

    def __init__(self, asgi: Scope) -> None:
        self._when_gone = asgi["extensions"][GONE]
        self._worker: asyncio.Task[object] | None = None
        self._is_gone = False

    def __enter__(self) -> None:
        self._worker = asyncio.current_task()
        self._when_gone(self._end)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._when_gone(None)
        if self._is_gone and self._worker is not None and kind in {None, asyncio.CancelledError}:
            self._worker.uncancel()
            raise CallerGone

    def _end(self) -> None:
        self._is_gone = True
        if self._worker is not None:
            self._worker.cancel()
