"""A bounded memory of what was read, emptied when something changed."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """At most `limit` values; the one that was put in first leaves first.

    A value that was read before a change and arrives after it must not be kept: take `epoch`
    before reading and hand it to `put`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[K, V] = {}
        self.get = self._values.get
        self.epoch = 0

    def put(self, key: K, value: V, epoch: int) -> None:
        """Keep a value, unless the cache was emptied since `epoch`."""
        if epoch != self.epoch:
            return
        if len(self._values) >= self._limit and key not in self._values:
            del self._values[next(iter(self._values))]
        self._values[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self.epoch += 1

    def __len__(self) -> int:
        return len(self._values)
