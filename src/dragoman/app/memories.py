"""Everything that a process remembers of the registry, told together of what changed."""

from collections.abc import Sequence

from dragoman.domain.change import Change
from dragoman.domain.ports import Memory


class Memories:
    """Hands on to each memory that was added."""

    def __init__(self) -> None:
        self._memories: list[Memory] = []

    def add(self, *memories: Memory) -> None:
        """Tell these too from now on."""
        self._memories.extend(memories)

    def changed(self, changes: Sequence[Change]) -> None:
        """Have everybody forget what these changes may have made untrue."""
        for memory in self._memories:
            memory.changed(changes)

    def forget(self) -> None:
        """Have everybody forget everything."""
        for memory in self._memories:
            memory.forget()
