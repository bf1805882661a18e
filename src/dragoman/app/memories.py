"""Everything that one process remembers of the registry, told at once of what changed."""

from collections.abc import Sequence

from dragoman.domain.change import Change
from dragoman.domain.ports import Memory


class Memories:
    """Several memories as one."""

    def __init__(self) -> None:
        self._memories: list[Memory] = []

    def add(self, *memories: Memory) -> None:
        """Tell these too, from now on."""
        self._memories += memories

    def changed(self, changes: Sequence[Change]) -> None:
        """Have each forget what these changes may have made untrue."""
        for memory in self._memories:
            memory.changed(changes)

    def forget(self) -> None:
        """Have each forget everything."""
        for memory in self._memories:
            memory.forget()
