"""How an answer is taken apart; no sockets."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.upstream.answer import HEAD_LIMIT, Answer, AnswerBroken
from tests.upstream.responses import BROKEN, OK, SECRET, WHOLE, Whole


def fed(pieces: Iterable[bytes]) -> Answer:
    answer = Answer()
    for piece in pieces:
        answer.feed(piece)
    return answer


def cut_at(wire: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % len(wire) for place in places), len(wire)]
    return [wire[a:b] for a, b in pairwise(edges) if a < b]


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
        beginning = fed([whole.wire[:length]]) if length else Answer()
        if not beginning.complete:
            with pytest.raises(AnswerBroken):
                beginning.end()
        else:
            assert beginning.take() == whole.body


@pytest.mark.parametrize("wire", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_breaks_whole_and_in_pieces(wire: bytes) -> None:
    for size in (len(wire) + 1, 1000, 1) if len(wire) < 10_000 else (len(wire), 1000):
        answer = Answer()
        with pytest.raises(AnswerBroken) as broken:  # noqa: PT012
            for start in range(0, len(wire), size):
                answer.feed(wire[start : start + size])
            answer.end()
        assert SECRET.decode() not in str(broken.value)
        assert not answer.complete


@pytest.mark.parametrize("what", [what for what in BROKEN if "never" in what])
def test_what_never_ends_is_not_waited_for(what: str) -> None:
    wire, answer = BROKEN[what], Answer()
    with pytest.raises(AnswerBroken):  # noqa: PT012
        for start in range(0, 2 * HEAD_LIMIT, 1000):
            answer.feed(wire[start : start + 1000])


@pytest.mark.parametrize("length", [b"18446744073709551615", b"1" + b"0" * 18])
def test_a_length_that_no_body_has_is_not_believed(length: bytes) -> None:
    with pytest.raises(AnswerBroken):
        Answer().feed(OK + b"content-length: " + length + b"\r\n\r\nab")
    assert fed([OK + b"content-length: " + b"9" * 18 + b"\r\n\r\nab"]).begun


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
