"""What our server offers beyond ASGI: the whole body at once, and a whole answer at once."""

import asyncio
import re

import pytest

from dragoman.dialect.record import CALLER, Receive, Scope, Send
from dragoman.domain.ports import Headers
from tests.server.test_applications import (
    GET,
    LENGTH_3,
    OLD,
    answered,
    body,
    rest,
    serving,
    start,
)
from tests.server.wire import Answer, Wire
from tests.upstream.calling import eventually


def undated(received: bytes) -> bytes:
    return re.sub(rb"date: .*\r\n", b"", received)


@pytest.mark.parametrize(
    ("request_", "status", "headers", "received"),
    [
        (GET, 200, [LENGTH_3], b"content-length: 3|abc"),
        (GET, 200, [], b"transfer-encoding: chunked|3\r\nabc\r\n0\r\n\r\n"),
        (OLD, 200, [], b"connection: close|abc"),
        (GET.replace(b"GET", b"HEAD"), 200, [LENGTH_3], b"content-length: 3|"),
        (GET, 204, [], b"204 No Content|"),
    ],
    ids=["with a length", "in chunks", "to an old caller", "without its body", "without any body"],
)
async def test_a_whole_answer_is_framed_like_one_in_pieces(
    request_: bytes, status: int, headers: Headers, received: bytes
) -> None:
    async def app(scope: Scope, _: Receive, send: Send) -> None:
        if scope["query_string"]:
            await send(start(*headers, status=status))
            await send(body(b"abc"))
        else:
            await scope["extensions"][CALLER].answer(status, headers, b"abc")

    last = request_.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    async with serving(app) as (_, url):
        at_once, _ = await rest(url, last)
        in_pieces, _ = await rest(url, last.replace(b"/ ", b"/?pieces "))
    expected_in_head, _, sent = received.partition(b"|")
    assert undated(at_once) == undated(in_pieces)
    assert expected_in_head in at_once
    assert at_once.partition(b"\r\n\r\n")[2] == sent


async def test_a_whole_answer_of_another_length_is_never_sent() -> None:
    async def app(scope: Scope, _: Receive, __: Send) -> None:
        await scope["extensions"][CALLER].answer(200, [LENGTH_3], b"abcd")

    async with serving(app) as (_, url):
        assert (await answered(url, GET)).status == 500


async def test_the_rest_of_a_body_is_given_once_and_when_it_is_all_there() -> None:
    given = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope["extensions"][CALLER]
        given.append(caller.rest_of_body())
        if given[-1] is None:
            given.append((await receive())["body"])
            await eventually(lambda: caller.is_whole)
            given.append(caller.rest_of_body())
        given.append(caller.rest_of_body())
        await send(start(LENGTH_3))
        await send(body(b"abc"))

    head = b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\n"
    async with serving(app) as (_, url):
        await answered(url, head + b"hello")
        assert given == [b"hello", None]

        def slowly() -> Answer:
            with Wire(url) as wire:
                return wire.send(head, b"hel", b"lo", pause_s=0.1).answer()

        await asyncio.to_thread(slowly)
        assert given[2:] == [None, b"hel", b"lo", None]


async def test_whole_answers_wait_for_those_before_them_to_be_taken() -> None:
    large, asked, times = b"x" * 100_000, 0, 60

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        nonlocal asked
        asked += 1
        await scope["extensions"][CALLER].answer(200, [(b"content-length", b"100000")], large)

    def take_all(wire: Wire) -> int:
        return sum(wire.answer().body == large for _ in range(times))

    async with serving(app) as (_, url):
        with Wire(url, room=4096) as wire:
            wire.send(GET * times)
            await eventually(lambda: asked)
            await asyncio.sleep(0.3)
            assert asked < times / 2
            assert await asyncio.to_thread(take_all, wire) == asked == times
