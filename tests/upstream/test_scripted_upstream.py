"""The scripted upstream itself: a test is worth what its instrument is."""

import asyncio

import pytest

from tests.scripted_upstream import (
    close,
    close_half,
    drip,
    flood,
    forever,
    read_body,
    read_head,
    read_request,
    reply,
    reset,
    send,
    serving,
    until,
    until_hung_up,
)

GET = b"GET / HTTP/1.1\r\nHost:  x \r\n\r\n"


async def test_it_reads_requests_and_sends_exactly_what_it_is_told() -> None:
    async with serving(read_request(), send(b"any"), read_request(), send(b"thing")) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        writer.write(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}" + GET)
        assert await reader.readexactly(8) == b"anything"
        assert [request.body for request in upstream.requests] == [b"{}", b""]
        assert upstream.requests[1].header("host") == b"x"
        assert upstream.requests[1].header("cookie") is None
        writer.close()
        await upstream.peers[0].left()


async def test_each_connection_gets_its_script_and_the_last_one_serves_the_rest() -> None:
    async with serving([send(b"1"), close()], [send(b"2"), close()]) as upstream:
        seen = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
            seen.append(await reader.read())
            writer.close()
        assert seen == [b"1", b"2", b"2"]


async def test_it_answers_by_the_request_for_as_long_as_the_client_stays() -> None:
    script = forever(read_request(), reply(lambda request: request.body.upper()))
    async with serving(script) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        for body in (b"ab", b"cd"):
            writer.write(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n" + body)
            assert await reader.readexactly(2) == body.upper()
        writer.close()


async def test_it_waits_for_the_test_and_resets() -> None:
    go = asyncio.Event()
    async with serving(until(go), reset()) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        assert upstream.open_peers == upstream.peers
        go.set()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_it_sees_the_client_hang_up_and_goes_on() -> None:
    async with serving(until_hung_up(), send(b"too late")) as upstream:
        _, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        writer.close()
        await upstream.peers[0].left()
        assert upstream.open_peers == []


async def test_a_mistake_in_a_script_fails_its_test() -> None:
    async def mistaken(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with serving(mistaken) as upstream:
            _, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
            writer.close()
            await upstream.peers[0].left()


async def test_it_drips_and_closes_half() -> None:
    read = asyncio.Event()

    async def tell(_: object) -> None:
        read.set()

    async with serving(drip(b"abc", 0.001), close_half(), read_request(), tell) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        assert [await reader.read(10) for _ in range(3)] == [b"a", b"b", b"c"]
        assert await reader.read() == b""
        writer.write(GET)
        async with asyncio.timeout(20):
            await read.wait()
        writer.close()


async def test_it_floods_as_fast_as_the_client_takes_it_and_until_it_leaves() -> None:
    piece = bytes(100_000)
    async with serving(flood(piece)) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        await reader.readexactly(10 * len(piece))
        await asyncio.sleep(0.05)
        assert upstream.peers[0].transport.get_write_buffer_size() <= 3 * len(piece)
        await reader.readexactly(100 * len(piece))
        writer.transport.abort()
        await upstream.peers[0].left()


async def test_it_reads_a_body_late() -> None:
    script = (read_head(), send(b"early"), read_body(), read_request(), send(b"late"))
    async with serving(*script) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        writer.write(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n")
        assert await reader.readexactly(5) == b"early"
        writer.write(b"{}" + GET)
        assert await reader.readexactly(4) == b"late"
        writer.close()
