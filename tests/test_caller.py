"""The caller itself: what it says of an answer is what the bytes said."""

import pytest

from tests.caller import calling
from tests.scripted_upstream import close, read_request, reset, send, serving

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKS = HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n"


@pytest.mark.parametrize(
    ("wire", "whole"),
    [
        (HEAD + b"content-length: 2\r\n\r\nhi", True),
        (HEAD + b"content-length: 3\r\n\r\nhi", False),
        (CHUNKS + b"0\r\n\r\n", True),
        (CHUNKS, False),
        (CHUNKS + b"0\r\n", False),
        (HEAD + b"connection: close\r\n\r\nhi", True),
    ],
)
async def test_it_tells_whole_from_cut(wire: bytes, whole: bool) -> None:  # noqa: FBT001
    async with (
        serving(read_request(), send(wire), close()) as server,
        calling(server.url, "key") as caller,
    ):
        received = await caller.call("some-model", stream=True)
        assert (received.status, received.body, received.whole) == (200, b"hi", whole)
        assert server.requests[0].header("authorization") == b"Bearer key"
        assert b'"model": "some-model"' in server.requests[0].body


async def test_it_keeps_its_connection_while_it_can() -> None:
    answer = [read_request(), send(HEAD + b"content-length: 2\r\n\r\nhi")]
    async with (
        serving([*answer, *answer, read_request(), reset()], answer) as server,
        calling(server.url, "key") as caller,
    ):
        assert [(await caller.call("m")).whole for _ in range(4)] == [True, True, False, True]
        assert [len(peer.requests) for peer in server.peers] == [3, 1]
