"""Server-sent events come out of a stream however it is cut, each byte being looked at once."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.domain.errors import UpstreamBroken
from dragoman.protocols.sse import EventStream

STREAMS = {
    b"data: a\n\n": [b"a"],
    b"data:a\r\n\r\ndata: b\r\rdata:  c\n\n": [b"a", b"b", b" c"],
    b"\xef\xbb\xbfdata: marked\n\n": [b"marked"],
    b"data: \xef\xbb\xbfmark inside\n\n": [b"\xef\xbb\xbfmark inside"],
    b": keep alive\n\nevent: x\ndata: a\nid: 7\nretry: 1\n\n": [b"a"],
    b"data: a\ndata: b\ndata\ndata:\n\n": [b"a\nb\n\n"],
    b"data: {\x0b\x0c\x1c\xe2\x80\xa8}\n\n": [b"{\x0b\x0c\x1c\xe2\x80\xa8}"],
    b"event: nothing\n\n\n\n": [],
    b"dataset: a\n Data: b\nDATA: c\n\n": [],
    b"data: whole\n\ndata: without an end": [b"whole"],
    b"data: without an end\n": [],
    b"": [],
}


def read(*pieces: bytes) -> list[bytes]:
    stream = EventStream()
    return [data for piece in pieces for data in stream.feed(piece)]


@pytest.mark.parametrize("stream", STREAMS, ids=ascii)
def test_what_an_event_holds(stream: bytes) -> None:
    assert read(stream) == STREAMS[stream]


@pytest.mark.parametrize("stream", STREAMS, ids=ascii)
def test_a_stream_may_be_cut_anywhere(stream: bytes) -> None:
    for at in range(len(stream)):
        assert read(stream[:at], b"", stream[at:]) == STREAMS[stream]
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == STREAMS[stream]


@given(st.lists(st.sampled_from([b"data", b":", b" ", b"\r", b"\n", b"x"])), st.data())
def test_no_bytes_are_read_otherwise_because_of_a_cut(
    parts: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(parts)
    at = data.draw(st.integers(0, len(stream)))
    assert read(stream[:at], stream[at:]) == read(stream)


@pytest.mark.parametrize(
    "stream", [b"data: 123456\n\n", b"data: 1\ndata: 2\ndata: 3\n\n", b"data\n" * 9, b": 12345678"]
)
def test_what_is_kept_is_limited(stream: bytes) -> None:
    assert list(EventStream(9).feed(b"data: 1\n\ndata: 2\n\n")) == [b"1", b"2"]
    with pytest.raises(UpstreamBroken, match="more than 5 bytes"):
        list(EventStream(5).feed(stream))


def test_a_long_event_in_tiny_pieces_takes_time_in_proportion() -> None:
    """Eight times as much takes about eight times as long, and not sixty-four times."""

    def seconds(size: int) -> float:
        stream, piece = EventStream(), b"x" * 8
        began = time.perf_counter()
        list(stream.feed(b"data: "))
        for _ in range(size // 8):
            list(stream.feed(piece))
        assert [len(data) for data in stream.feed(b"\n\n")] == [size]
        return time.perf_counter() - began

    seconds(80_000)
    assert seconds(640_000) < 30 * min(seconds(80_000) for _ in range(3))
