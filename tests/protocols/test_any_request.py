"""Whatever a caller writes is read and sent, or refused as the caller's own mistake."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.errors import Invalid
from tests.protocols.transcripts import (
    FORMATS,
    TRANSCRIPTS,
    Transcript,
    chat_of,
    configured,
    every_transcript,
)

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    2**70,
    "",
    "x",
    "data:,",
    "data:image/png;base64,",
    "{}",
    "\ud7ff\u0000",
    [],
    ["x"],
    [None],
    {},
    {"type": "text"},
    {"type": "function", "function": None},
    [{"role": "user", "content": None}],
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List the paths of everything in a JSON value."""
    yield path
    keys = (
        range(len(value)) if isinstance(value, list) else value if isinstance(value, dict) else ()
    )
    for key in keys:
        yield from places(value[key], (*path, key))


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """Give the value with something else at a path."""
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = odd
    return changed


@every_transcript
@given(data=st.data())
def test_an_odd_request_is_sent_or_refused(transcript: Transcript, data: st.DataObject) -> None:
    paths = [path for path in places(transcript.caller) if path]
    asked = transcript.caller
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(paths))
        try:
            asked = replaced(asked, path, data.draw(st.sampled_from(ODD)))
        except (KeyError, IndexError, TypeError):
            break  # the first change has taken that place away
    try:
        chat = chat_of(asked)
    except Invalid:
        return
    for protocol, (wire_format, _, url) in FORMATS.items():
        with suppress(Invalid):
            wire_format.encode(chat, configured(protocol), url)


@pytest.mark.parametrize("path", [("messages",), ("messages", 0), ("messages", 0, "content")])
def test_each_odd_value_is_told_of_where_it_stands(path: tuple[Any, ...]) -> None:
    caller = next(each.caller for each in TRANSCRIPTS if each.name == "text")
    for odd in (1, True, {"x": 1}):
        with pytest.raises(Invalid) as invalid:
            chat_of(replaced(caller, path, odd))
        assert all(each.path[: len(path)] == path for each in invalid.value.problems)


def test_what_is_large_in_number_is_not_lost() -> None:
    """Numbers of a schema that no float holds are sent as they came."""
    schema = {"type": "object", "properties": {"a": {"const": 2**70}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    chat = chat_of({"messages": [{"role": "user", "content": "x"}], "tools": [tool]})
    for protocol, (wire_format, _, url) in FORMATS.items():
        assert str(2**70).encode() in wire_format.encode(chat, configured(protocol), url).body
