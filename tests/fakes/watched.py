"""A store that is watched: how often somebody looks into it, and what happens meanwhile."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from dragoman.domain.ports import ReadWork, Store, WriteWork


class WatchedStore:
    """Counts the looks into a store; `in_between` happens between reading and using it."""

    def __init__(self, store: Store, in_between: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._in_between = in_between
        self.looks = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadWork]:
        """Begin a view, and count it."""
        self.looks += 1
        async with self._store.reading() as work:
            yield work
        self._in_between()

    def writing(self, *, keep: bool = True) -> AbstractAsyncContextManager[WriteWork]:
        """Nobody who is watched like this writes."""
        raise AssertionError(f"nothing is written here (keep={keep})")
