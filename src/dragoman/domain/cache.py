"""A bounded memory of what was read, forgotten when something changed."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """At most `limit` values; the one that was put in first leaves first.

    A value that was read before a change and arrives after it must not be kept: take `epoch`
    before reading and hand it to `put`. Values may be put into groups that are forgotten alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[K, V] = {}
        self._group_of: dict[K, str] = {}
        self._groups: dict[str, set[K]] = {}
        self.get = self._values.get
        self.epoch = 0

    def put(self, key: K, value: V, epoch: int, group: str = "") -> None:
        """Keep a value, unless something was forgotten since `epoch`."""
        if epoch != self.epoch:
            return
        if key in self._values:
            self._remove(key)
        elif len(self._values) >= self._limit:
            self._remove(next(iter(self._values)))
        self._values[key] = value
        self._group_of[key] = group
        self._groups.setdefault(group, set()).add(key)

    def clear(self, group: str | None = None) -> None:
        """Forget a group, or everything."""
        self.epoch += 1
        if group is None:
            for store in (self._values, self._group_of, self._groups):
                store.clear()
            return
        for key in tuple(self._groups.get(group, ())):
            self._remove(key)

    def _remove(self, key: K) -> None:
        del self._values[key]
        group = self._group_of.pop(key)
        members = self._groups[group]
        members.remove(key)
        if not members:
            del self._groups[group]

    def __len__(self) -> int:
        return len(self._values)
