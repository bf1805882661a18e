"""How an answer is taken apart; no sockets."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.upstream.answer import (
    HEAD_LIMIT,
    HEADER_LINES_LIMIT,
    INTERIM_LIMIT,
    Answer,
    AnswerBroken,
    AnswerLimits,
)
from dragoman.upstream.lines import Lines
from tests.upstream.responses import BROKEN, OK, SECRET, WHOLE, Whole

UNLIMITED = AnswerLimits()
STREAM = OK + b"content-type: %s\r\n\r\n"


def fed(pieces: Iterable[bytes], limits: AnswerLimits = UNLIMITED) -> Answer:
    answer = Answer(limits)
    for piece in pieces:
        answer.feed(piece)
    return answer


def cut_at(wire: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % len(wire) for place in places), len(wire)]
    return [wire[a:b] for a, b in pairwise(edges) if a < b]


def in_pieces(wire: bytes, size: int) -> list[bytes]:
    return [wire[start : start + size] for start in range(0, len(wire), size)]


@pytest.mark.parametrize("whole", WHOLE)
def test_a_whole_answer(whole: Whole) -> None:
    answer = fed([whole.wire])
    assert answer.complete
    assert answer.status == whole.status
    assert answer.take() == whole.body
    assert answer.reusable == whole.reusable
    assert not {b"link", b"x-late"} & {name for name, _ in answer.headers}


@pytest.mark.parametrize("whole", WHOLE)
@given(places=st.lists(st.integers(min_value=0)))
def test_how_the_network_cuts_an_answer_does_not_matter(whole: Whole, places: list[int]) -> None:
    at_once, in_pieces = fed([whole.wire]), fed(cut_at(whole.wire, places))
    assert in_pieces.complete
    assert in_pieces.status == at_once.status
    assert in_pieces.headers == at_once.headers
    assert in_pieces.take() == at_once.take()


@pytest.mark.parametrize("whole", WHOLE)
def test_no_beginning_of_an_answer_is_taken_for_all_of_it(whole: Whole) -> None:
    for length in range(len(whole.wire)):
        beginning = fed([whole.wire[:length]]) if length else Answer(AnswerLimits())
        if not beginning.complete:
            with pytest.raises(AnswerBroken):
                beginning.end()
        else:
            assert beginning.take() == whole.body


@pytest.mark.parametrize("wire", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_breaks_whole_and_in_pieces(wire: bytes) -> None:
    for size in (len(wire) + 1, 1000, 1) if len(wire) < 10_000 else (len(wire), 1000):
        answer = Answer(AnswerLimits())
        with pytest.raises(AnswerBroken) as broken:  # noqa: PT012
            for piece in in_pieces(wire, size):
                answer.feed(piece)
            answer.end()
        assert SECRET.decode() not in str(broken.value)
        assert not answer.complete


@pytest.mark.parametrize("what", [what for what in BROKEN if "never" in what])
def test_what_never_ends_is_not_waited_for(what: str) -> None:
    wire, answer = BROKEN[what], Answer(AnswerLimits())
    with pytest.raises(AnswerBroken):  # noqa: PT012
        for start in range(0, 2 * HEAD_LIMIT, 1000):
            answer.feed(wire[start : start + 1000])


@pytest.mark.parametrize("length", [b"18446744073709551615", b"1" + b"0" * 18, b"11"])
def test_a_length_beyond_the_limit_is_not_waited_for(length: bytes) -> None:
    with pytest.raises(AnswerBroken, match=r"10 bytes \(DRAGOMAN_UPSTREAM_ANSWER_MAX_BYTES\)"):
        fed([OK + b"content-length: " + length + b"\r\n\r\nab"], AnswerLimits(answer=10))


def test_a_long_body_does_not_count_as_a_head() -> None:
    body = b"x" * (3 * HEAD_LIMIT)
    answer = fed([OK + b"content-length: %d\r\n\r\n" % len(body) + body])
    assert answer.complete
    assert answer.held == len(body)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    answer = fed([OK + b"\r\nsome", b"thing"])
    assert (answer.begun, answer.complete) == (True, False)
    answer.end()
    assert answer.complete
    assert not answer.reusable
    assert answer.take() == b"something"


def test_what_comes_behind_an_answer_is_nobodys() -> None:
    answer = fed([OK + b"content-length: 2\r\n\r\nhi", OK + b"content-length: 3\r\n\r\nbad"])
    assert answer.take() == b"hi"
    assert answer.held == 0
    assert not answer.reusable


CUTS = [1, 3, 1000]


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize("framing", [b"", b"transfer-encoding: chunked\r\n"])
def test_a_body_may_be_as_long_as_the_limit_and_no_longer(framing: bytes, size: int) -> None:
    def wire(body: bytes) -> bytes:
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        return OK + framing + b"\r\n" + (chunks if framing else body)

    longest = fed(in_pieces(wire(b"x" * 10), size), AnswerLimits(answer=10))
    if not framing:
        longest.end()
    assert longest.complete
    with pytest.raises(AnswerBroken, match="DRAGOMAN_UPSTREAM_ANSWER_MAX_BYTES"):
        fed(in_pieces(wire(b"x" * 11), size), AnswerLimits(answer=10))


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_line_of_an_event_stream_has_a_limit(end: bytes, size: int) -> None:
    stream = STREAM % b"Text/Event-Stream; charset=utf-8"
    limits = AnswerLimits(line=10)
    fine = end.join([b"x" * 10, b"", b"data: 9", b"x" * 10, b"x" * 9])
    assert fed(in_pieces(stream + fine, size), limits).held == len(fine)
    for line in (fine + b"xx", b"x" * 11 + end, b"a" + end + b"x" * 11 + end + b"b" + end):
        with pytest.raises(AnswerBroken, match=r"10 bytes \(DRAGOMAN_UPSTREAM_LINE_MAX_BYTES\)"):
            fed(in_pieces(stream + line, size), limits)


def test_other_answers_have_no_lines() -> None:
    hint = b"HTTP/1.1 103 Hints\r\ncontent-type: text/event-stream\r\n\r\n"
    for head in (STREAM % b"application/json", hint + OK + b"\r\n"):
        assert fed([head + b"x" * 100], AnswerLimits(line=10)).held == 100


@pytest.mark.parametrize("limit", [10, 1000])
@given(pieces=st.lists(st.binary(min_size=1).map(lambda piece: piece.replace(b"0", b"\n"))))
def test_lines_are_measured_as_if_they_came_at_once(limit: int, pieces: list[bytes]) -> None:
    lines, whole = Lines(limit), b""
    for piece in pieces:
        whole += piece
        if not lines.measure(piece):
            assert max(map(len, whole.splitlines())) > limit
            return
    assert max(map(len, whole.splitlines()), default=0) <= limit
    assert lines.unended == (0 if whole.endswith((b"\n", b"\r")) else len(last_line(whole)))


def last_line(text: bytes) -> bytes:
    return text.splitlines()[-1] if text else b""


def test_a_stream_without_a_length_ends_behind_a_line() -> None:
    stream = STREAM % b"text/event-stream"
    fed([stream + b"data: 1\n\n"]).end()
    with pytest.raises(AnswerBroken, match="within a line"):
        fed([stream + b"data: 1\n\ndata: 2"]).end()


def test_a_head_has_so_many_lines() -> None:
    lines = b"x: 1\r\n" * HEADER_LINES_LIMIT
    assert fed([OK + lines + b"\r\n"]).begun
    with pytest.raises(AnswerBroken, match="more than 256 lines"):
        fed([OK + lines + b"y: 1\r\n\r\n"])


def test_there_are_so_many_interim_answers() -> None:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n" * INTERIM_LIMIT
    assert fed([interim + OK + b"\r\n"]).begun
    with pytest.raises(AnswerBroken, match="more than 100 interim answers"):
        fed([interim + b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n"])
