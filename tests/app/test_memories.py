"""Several memories are told as one."""

from dragoman.app.memories import Forgetful, Memories
from dragoman.domain.change import Change, Noun

CHANGE = Change(1, Noun.LLM, "org", "llm")


def test_each_is_told_of_changes_and_to_forget() -> None:
    told: list[str] = []
    memories = Memories()
    memories.changed([CHANGE])
    memories.add(Forgetful(lambda: told.append("first")), Forgetful(lambda: told.append("second")))
    memories.changed([CHANGE])
    memories.forget()
    assert told == ["first", "second"] * 2
