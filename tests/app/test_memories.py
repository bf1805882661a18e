"""What one process remembers is told together, and each part hears the same."""

from collections.abc import Sequence

from dragoman.app.memories import Memories
from dragoman.domain.change import Change, Noun


class Told:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def changed(self, changes: Sequence[Change]) -> None:
        self.heard.append(changes)

    def forget(self) -> None:
        self.heard.append("everything")


def test_each_memory_hears_of_the_same_changes_and_of_forgetting_in_the_same_order() -> None:
    first, second = Told(), Told()
    memories = Memories()
    memories.add(first)
    memories.add(second)
    changes = [Change(1, Noun.LLM, "org", "llm")]
    memories.changed(changes)
    memories.forget()
    assert first.heard == second.heard == [changes, "everything"]
