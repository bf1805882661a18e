"""The laws, on bytes that hypothesis makes: answers put together of their parts, and any bytes."""

import asyncio

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dragoman.domain.errors import UpstreamBroken
from dragoman.upstream.answer import AnswerLimits
from dragoman.upstream.pool import HttpPool
from tests.fuzz.found import FOUND
from tests.fuzz.laws import LIMITS, Whole, cut, holds, read, read_by_h11
from tests.fuzz.wire import Wire
from tests.scripted_upstream import Step, close, read_request, send, serving
from tests.upstream.calling import LOOPBACK, PATIENT, answer, ask, in_use, request_to

END = b"\r\n"
NAMES = ["content-length", "transfer-encoding", "connection", "content-type", "x", "Upgrade"]
VALUES = ["chunked", "0", "5", "close", "keep-alive", "text/event-stream", "identity", "h2c", " 5 "]

lines = st.builds("{}: {}\r\n".format, st.sampled_from(NAMES), st.sampled_from(VALUES))
heads = st.builds(
    "HTTP/1.{} {} OK\r\n{}\r\n".format,
    st.sampled_from([0, 1, 1, 1]),
    st.sampled_from([100, 101, 103, 200, 200, 200, 204, 304, 400, 500, 99, 600]),
    st.lists(lines, max_size=4).map("".join),
).map(str.encode)
chunks = st.binary(max_size=40).map(lambda data: b"%x\r\n%b\r\n" % (len(data), data))
parts = heads | chunks | st.binary(max_size=20) | st.sampled_from([END, END * 2, b"hello", b"\n\n"])
wires = st.lists(parts, max_size=8).map(b"".join)
sizes = st.binary(max_size=60)


@given(wires, sizes)
@settings(max_examples=500)
def test_the_laws_hold_for_what_looks_like_answers(wire: bytes, sizes: bytes) -> None:
    holds(wire, sizes)


@given(st.binary(max_size=200), sizes)
def test_the_laws_hold_for_any_bytes(wire: bytes, sizes: bytes) -> None:
    holds(wire, sizes)


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_what_was_found_is_refused(found: Wire) -> None:
    holds(*found)
    assert read([found.wire]) is None


tokens = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=10).map("x-{}".format)
texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
bodies = st.lists(st.binary(min_size=1, max_size=60), max_size=5)


@given(
    status=st.integers(200, 599).filter(lambda status: status not in {204, 304}),
    headers=st.lists(st.tuples(tokens, texts), max_size=5),
    pieces=bodies,
    framed_by=st.sampled_from(["length", "chunks", "end"]),
    interim=st.lists(st.sampled_from([100, 102, 103]), max_size=3),
    sizes=sizes,
    length=st.integers(min_value=0),
)
def test_a_valid_answer_is_read_as_it_was_written_and_no_beginning_of_it_is_whole(
    *,
    status: int,
    headers: list[tuple[str, str]],
    pieces: list[bytes],
    framed_by: str,
    interim: list[int],
    sizes: bytes,
    length: int,
) -> None:
    wire = written_by_h11(status, headers, pieces, framed_by, interim)
    whole = Whole(status, b"".join(pieces))
    assert read_by_h11(wire) == whole
    assert read(cut(wire, sizes)) == whole
    beginning = read(cut(wire[: length % len(wire)], sizes))
    if framed_by == "end":  # where the end of the connection is the end, it may come early
        assert beginning is None or whole.body.startswith(beginning.body)
    else:
        assert beginning is None


def written_by_h11(
    status: int,
    headers: list[tuple[str, str]],
    pieces: list[bytes],
    framed_by: str,
    interim: list[int],
) -> bytes:
    """Write an answer with another writer."""
    http = h11.Connection(h11.SERVER)
    # To a client of HTTP/1.0, what has no length ends with its connection.
    version = b"1.0" if framed_by == "end" else b"1.1"
    http.receive_data(b"POST / HTTP/%b\r\nhost: x\r\ncontent-length: 0\r\n\r\n" % version)
    while not isinstance(http.next_event(), h11.EndOfMessage):
        pass
    if framed_by == "length":
        headers = [*headers, ("content-length", str(sum(map(len, pieces))))]
    wire = b""
    for code in interim:
        wire += http.send(h11.InformationalResponse(status_code=code, headers=headers[:0])) or b""
    wire += http.send(h11.Response(status_code=status, headers=headers)) or b""
    for piece in pieces:
        wire += http.send(h11.Data(piece)) or b""
    return wire + (http.send(h11.EndOfMessage()) or b"")


@given(wires, sizes)
@settings(max_examples=60)
@example(b"", b"")
@example(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", b"\3\3")
async def test_a_whole_exchange_ends_as_its_answer_does(wire: bytes, sizes: bytes) -> None:
    expected = read([wire])
    sending: list[Step] = [send(piece) for piece in cut(wire, sizes)]
    pool = HttpPool(LOOPBACK, connections=1, connections_per_origin=1, limits=AnswerLimits(*LIMITS))
    follower: list[Step] = [read_request(), send(answer(b"next"))]
    async with serving([read_request(), *sending, close()], follower) as upstream:
        async with asyncio.timeout(PATIENT.total_s):
            try:
                body = await ask(pool, request_to(upstream))
                assert expected is not None
                assert body == expected.body
            except UpstreamBroken:
                assert expected is None
            assert in_use(pool) == 0
            assert await ask(pool, request_to(upstream)) == b"next"
        await pool.close()
