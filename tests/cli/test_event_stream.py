"""Reading server-sent events, however their bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli import event_stream
from dragoman.cli.chat_answer import Broken, Kind, Piece, streamed
from dragoman.cli.event_stream import events
from dragoman.cli.failures import Failure

TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)


def read(*pieces: bytes) -> list[str]:
    return list(events(pieces))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_in_three_ways(end: bytes) -> None:
    stream = end.join((b"data: 1", b"", b"data: 2", b"data: 3", b"", b""))
    assert read(stream) == ["1", "2\n3"]
    assert read(*(bytes([byte]) for byte in stream)) == ["1", "2\n3"]


def test_what_is_no_data_is_passed_over() -> None:
    stream = b": ping\n\nevent: x\nid: 7\nretry: 3\n\ndata\n\ndata:a\n: between\ndata:  b\n\n"
    assert read(stream) == ["", "a\n b"]


def test_a_mark_of_byte_order_is_passed_over_once() -> None:
    assert read(b"\xef\xbb\xbfdata: \xef\xbb\xbfx\n\n") == ["\ufeffx"]


def test_the_last_event_counts_if_its_lines_are_whole() -> None:
    assert read(b"data: 1\n\ndata: [DONE]\n") == ["1", "[DONE]"]
    assert read(b"data: 1\n\ndata: {hal") == ["1"]
    assert read(b"data: 1\n\ndata: 2\ndata: {hal") == ["1"]


@given(
    st.lists(TEXT, max_size=8), st.lists(st.integers(0, 400)), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_how_the_network_cuts_the_bytes_does_not_matter(
    texts: list[str], cuts: list[int], end: str
) -> None:
    stream = "".join(f"data: {text}{end}: é{end}{end}" for text in texts).encode()
    edges = [0, *sorted({cut for cut in cuts if cut < len(stream)}), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert read(*pieces) == texts


def test_what_is_no_utf8_is_shown_as_such() -> None:
    assert read(b"data: a\xff\n\n") == ["a\N{REPLACEMENT CHARACTER}"]


def test_an_endless_event_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MAX_EVENT_BYTES", 100)
    assert read(b"data: 12345678\n\n" * 100) == ["12345678"] * 100
    with pytest.raises(Failure, match="too large"):
        read(b"data: ", *(b"x" * 10 for _ in range(20)))
    with pytest.raises(Failure, match="too large"):
        read(*(b"data: x\n" for _ in range(200)))


def chunk(delta: str, reason: str = "null") -> bytes:
    return f'data: {{"choices":[{{"delta":{delta},"finish_reason":{reason}}}]}}\n\n'.encode()


def test_a_whole_answer_ends_in_done_or_with_a_reason() -> None:
    text = chunk('{"content":"ä"}')
    said = Piece(Kind.TEXT, "ä")
    assert list(streamed([text, b"data: [DONE]\n\n"])) == [said]
    assert list(streamed([text, chunk("{}", '"stop"')])) == [said, Piece(Kind.END, "stop")]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (b"", "the connection ended before the answer did"),
        (b'data: {"choices":[{"del\n\n', "in the middle of an event"),
        (b'data: {"error":{"message":"The model is gone"}}\n\n', "broke off: The model is gone."),
        (b'data: {"error":"busy"}\n\n', "broke off: busy."),
        (b"data: 7\n\n", "not a chat completion"),
    ],
)
def test_an_answer_that_breaks_off_says_so_after_what_came(rest: bytes, message: str) -> None:
    pieces = streamed([chunk('{"content":"a"}'), rest])
    assert next(pieces).text == "a"
    with pytest.raises(Broken, match=message):
        list(pieces)


def test_thoughts_have_two_names_and_count_once() -> None:
    stream = [
        chunk('{"reasoning_content":"hm","reasoning":"hm"}'),
        chunk('{"reasoning":"so"}'),
        b'data: {"choices":[],"usage":{}}\n\n',
        b"data: [DONE]\n\n",
    ]
    assert list(streamed(stream)) == [Piece(Kind.THOUGHT, "hm"), Piece(Kind.THOUGHT, "so")]
