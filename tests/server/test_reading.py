"""Laws of reading, whatever the network makes of the bytes."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dragoman.server.head import KNOWN_BYTES, Head
from dragoman.server.reading import Reader, Refused
from tests.server.malformed import MALFORMED

CHUNKED = b"transfer-encoding: Chunked\r\n\r\n"
TAKEN = [
    b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n",
    b"\r\nGET http://a/b?c HTTP/1.1\r\nx:\r\ny: \xff\r\n\r\n",
    b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nContent-Length: 5 \r\nExpect: 100-Continue\r\n\r\nhello",
    b"POST / HTTP/1.1\r\n" + CHUNKED + b"3;a=b\r\nabc\r\n02\r\nde\r\n0\r\nx: y\r\n\r\n",
    b"POST / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 5\r\n\r\nhello",
    b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    b"PUT / HTTP/1.1\r\nupgrade: a\r\nconnection: upgrade\r\n" + CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
    b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
]
ALL = [*TAKEN, *MALFORMED.values()]


class _Notes:
    """What a reader told: pieces of bodies joined, so that only their sum counts."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.bodies: list[bytes] = []
        self.ends = 0
        self.refusal: tuple[int, str] | None = None

    def take_head(self, head: Head) -> None:
        assert len(self.heads) == self.ends
        self.heads.append(head)
        self.bodies.append(b"")

    def take_piece(self, piece: bytes) -> None:
        assert len(self.heads) == self.ends + 1
        self.bodies[-1] += piece

    def take_end(self) -> None:
        self.ends += 1
        assert len(self.heads) == self.ends

    def take_whole(self, head: Head, body: bytes) -> None:
        self.take_head(head)
        self.take_piece(body)
        self.take_end()


class _Forgetful(Reader):
    """Has llhttp read everything."""

    def _remember(self, data: bytes) -> None:
        pass


def read_pieces(pieces: Iterable[bytes], make: type[Reader] = Reader) -> _Notes:
    notes = _Notes()
    reader = make(notes, 32 * 1024)
    for piece in filter(None, pieces):
        try:
            reader.feed(piece)
        except Refused as refused:
            notes.refusal = (refused.status, refused.message)
            break
    return notes


def read(data: bytes, cuts: list[int]) -> _Notes:
    borders = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return read_pieces(data[start:end] for start, end in pairwise(borders))


behind = st.one_of(st.sampled_from(ALL), st.binary())
cut_at = st.integers(0, 1000)
cuts = st.lists(cut_at, max_size=8)


@given(st.lists(st.sampled_from(ALL), min_size=1, max_size=4), cuts)
@example([TAKEN[5], MALFORMED["a tunnel"]], [])
def test_requests_mean_the_same_wherever_they_are_cut(parts: list[bytes], at: list[int]) -> None:
    data = b"".join(parts)
    assert vars(read(data, at)) == vars(read(data, []))
    assert vars(read(data, list(range(len(data))))) == vars(read(data, []))


@given(st.lists(st.sampled_from(TAKEN[:-2]), max_size=4), st.sampled_from(TAKEN), behind)
@example([], TAKEN[-1], TAKEN[0])
def test_requests_are_read_one_after_another(parts: list[bytes], last: bytes, more: bytes) -> None:
    alone = [read(part, []) for part in [*parts, last]]
    together = read(b"".join([*parts, last]), [])
    assert together.heads == [notes.heads[0] for notes in alone]
    assert together.bodies == [notes.bodies[0] for notes in alone]
    if alone[-1].heads[0].is_last:  # what follows the last one is nobody's business
        assert vars(read(b"".join([*parts, last, more]), [])) == vars(together)


@given(st.sampled_from(ALL), st.integers(0, 200), st.binary(max_size=40), st.integers(0, 20), cuts)
@example(b"", 0, b"\0", 0, [])
def test_whatever_comes_is_read_or_refused(
    whole: bytes, at: int, inserted: bytes, dropped: int, where: list[int]
) -> None:
    read(whole[:at] + inserted + whole[at + dropped :] + TAKEN[0], where)


@given(st.lists(st.sampled_from(ALL), max_size=3), st.sampled_from(list(MALFORMED.values())))
def test_nothing_is_read_behind_what_was_refused(parts: list[bytes], refused: bytes) -> None:
    data = b"".join([*parts, refused])
    notes = _Notes()
    reader = Reader(notes, 32 * 1024)
    for piece in (data, TAKEN[0], TAKEN[4]):
        try:
            reader.feed(piece)
        except Refused:
            break
    before = len(notes.heads)
    reader.feed(TAKEN[0] * 3)
    assert len(notes.heads) == before


HEAD = b"POST /a HTTP/1.1\r\nx: y\r\ncontent-length: 5\r\n\r\n"
AGAIN = [
    HEAD + b"hello",
    HEAD + b"HELLO",
    HEAD + b"\r\n\r\n\0",
    HEAD + b"hell",
    HEAD + b"hello!",
    HEAD + b"hello\r\n",
    HEAD + b"hello" + HEAD + b"hello",
    b"\r\n" + HEAD + b"hello",
    b"\r\n\r\n" + HEAD + b"hello",
    HEAD[:-2],
    HEAD,
    b"hello",
    b"\r",
    b"\n",
]
whole = st.sampled_from([*AGAIN, *ALL])
parts_of_them = st.builds(lambda data, start, end: data[start:end], whole, cut_at, cut_at)


@given(st.lists(whole | parts_of_them, max_size=8))
@example([HEAD + b"hello", HEAD + b"HELLO", HEAD + b"hell", b"o", HEAD + b"hello"])
@example([HEAD + b"hello", *AGAIN])
@example([HEAD + b"hello", HEAD + b"hello\r", HEAD + b"hello", HEAD + b"hello\n", HEAD + b"hello"])
@example([TAKEN[4], TAKEN[4], TAKEN[5], TAKEN[5], TAKEN[3], TAKEN[3], TAKEN[8], TAKEN[8]])
def test_a_head_that_is_known_means_what_it_meant(pieces: list[bytes]) -> None:
    assert vars(read_pieces(pieces)) == vars(read_pieces(pieces, _Forgetful))


@pytest.mark.parametrize("head", [HEAD, TAKEN[0], HEAD.replace(b"5", b"0").replace(b"y", b"")])
def test_a_head_that_comes_again_comes_with_what_was_kept_with_it(head: bytes) -> None:
    asked = head + b"hello" if head is HEAD else head
    between = b"GET /b HTTP/1.1\r\n\r\n"
    heads = read_pieces([asked, asked, asked, between, asked]).heads
    assert heads[0] is heads[1] is heads[2]
    assert heads[4] is not heads[0]
    assert read_pieces([asked]).heads[0].kept is not heads[0].kept


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD, b"hello", HEAD + b"hello"],
        [HEAD + b"hello" + HEAD + b"hello", HEAD + b"hello"],
        [HEAD.replace(b"y", b"y" * KNOWN_BYTES) + b"hello"] * 2,
        [TAKEN[4], TAKEN[4]],
        [HEAD.replace(b"/a", b"/b") + b"hello", HEAD + b"hello"],
    ],
    ids=["in pieces", "two at once", "too long", "in chunks", "of another one"],
)
def test_of_other_requests_nothing_is_known(pieces: list[bytes]) -> None:
    kept = [id(head) for head in read_pieces(pieces).heads]
    assert len(set(kept)) == len(kept) > 1


def test_what_is_refused_of_a_known_head_ends_the_reading() -> None:
    class Busy(_Notes):
        def take_whole(self, head: Head, body: bytes) -> None:  # noqa: ARG002
            raise Refused(429, "Not now.")

    notes, asked = Busy(), HEAD + b"hello"
    reader = Reader(notes, 32 * 1024)
    reader.feed(asked)
    with pytest.raises(Refused):
        reader.feed(asked)
    reader.feed(TAKEN[0])
    assert len(notes.heads) == 1


def test_many_offers_in_one_piece_are_read_like_any_requests() -> None:
    notes = read(TAKEN[6] * 5000, [])
    assert (len(notes.heads), notes.refusal) == (5000, None)
