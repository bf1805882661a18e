"""One exchange: what is sent, and what an answer means."""

import asyncio
import gc

import pytest

from dragoman.domain.errors import Internal
from dragoman.domain.ports import Upstream
from dragoman.upstream.answer import Answer
from dragoman.upstream.exchange import Exchange
from dragoman.upstream.pool import HttpPool
from tests.scripted_upstream import (
    cut,
    forever,
    read_request,
    reply,
    send,
    serving,
    until,
)
from tests.upstream.calling import answer, ask, chunked, idle, in_use, read_all, request_to
from tests.upstream.responses import WHOLE, Whole


def port_of(pool: HttpPool) -> Upstream:
    return pool


async def test_the_pool_is_the_port(pool: HttpPool) -> None:
    port = port_of(pool)
    script = (read_request(), send(answer(b"hello")))
    async with serving(*script) as upstream, port.exchange(request_to(upstream)) as exchange:
        assert exchange.status == 200
        assert await exchange.read() == b"hello"
        assert await exchange.read() == b""


async def test_a_request_is_sent_with_host_and_length_and_its_own_headers(pool: HttpPool) -> None:
    async with serving(read_request(), send(answer(b""))) as upstream:
        await ask(pool, request_to(upstream, b"{1}", headers=[(b"x-a", b"1"), (b"x-b", b"")]))
        request = upstream.requests[0]
        assert request.head == (
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nx-a: 1\r\nx-b: \r\n"
            b"content-length: 3\r\n\r\n" % upstream.port
        )
        assert request.body == b"{1}"


@pytest.mark.parametrize(("method", "length"), [(b"GET", None), (b"POST", b"0"), (b"PUT", b"0")])
async def test_a_request_without_a_body(
    pool: HttpPool, method: bytes, length: bytes | None
) -> None:
    async with serving(read_request(), send(answer(b""))) as upstream:
        await ask(pool, request_to(upstream, b"", method=method))
        assert upstream.requests[0].header("content-length") == length


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x", b"a\r\nhost: evil")],
        [(b"x", b"a\nhost: evil")],
        [(b"x", b"a\rb")],
        [(b"x\r\ny", b"a")],
        [(b"x", b"a\0")],
        [(b"host", b"evil")],
        [(b"content-length", b"0")],
        [(b"transfer-encoding", b"chunked")],
        [(b"connection", b"close")],
    ],
)
async def test_a_header_that_would_change_the_message_is_not_sent(
    pool: HttpPool, headers: list[tuple[bytes, bytes]]
) -> None:
    async with serving(read_request()) as upstream:
        with pytest.raises(Internal):
            await ask(pool, request_to(upstream, headers=headers))
        assert upstream.peers == []


async def test_headers_come_in_order_with_names_in_lower_case(pool: HttpPool) -> None:
    head = b"X-B: 1\r\nx-a:  2 \t\r\nX-B: \xe4\r\nX-Empty:\r\n"
    script = (read_request(), send(answer(b"", headers=head)))
    async with serving(*script) as upstream, pool.exchange(request_to(upstream)) as exchange:
        assert exchange.headers == [
            (b"x-b", b"1"),
            (b"x-a", b"2"),
            (b"x-b", b"\xe4"),
            (b"x-empty", b""),
            (b"content-length", b"0"),
        ]


@pytest.mark.parametrize("whole", WHOLE)
async def test_an_answer_and_what_becomes_of_its_connection(pool: HttpPool, whole: Whole) -> None:
    async with serving(read_request(), send(whole.wire)) as upstream:
        async with pool.exchange(request_to(upstream)) as exchange:
            assert exchange.status == whole.status
            assert await read_all(exchange) == whole.body
        assert in_use(pool) == 0
        assert idle(pool) == whole.reusable


async def test_a_body_without_a_length_ends_where_the_connection_does(pool: HttpPool) -> None:
    response = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nall of it"
    async with serving(read_request(), send(response), cut()) as upstream:
        assert await ask(pool, request_to(upstream)) == b"all of it"
        assert in_use(pool) == 0


async def test_the_block_begins_with_the_head_and_pieces_come_as_they_are_sent(
    pool: HttpPool,
) -> None:
    head, mark, pieces = chunked(b"data: 1\n\n", b"data: 2\n\n").partition(b"\r\n\r\n")
    middle = len(pieces) // 2 - 2
    begin, go_on = asyncio.Event(), asyncio.Event()
    script = (
        read_request(),
        send(head + mark),
        until(begin),
        send(pieces[:middle]),
        until(go_on),
        send(pieces[middle:]),
    )
    async with serving(*script) as upstream, pool.exchange(request_to(upstream)) as exchange:
        begin.set()
        assert await exchange.read() == b"data: 1\n\n"
        go_on.set()
        assert await exchange.read() == b"data: 2\n\n"
        assert await exchange.read() == b""


async def test_a_redirect_is_an_answer_and_is_not_followed(pool: HttpPool) -> None:
    async with serving(read_request(), send(answer(b"stolen"))) as elsewhere:
        location = b"location: %s\r\n" % elsewhere.url.encode()
        redirect = answer(b"", status=b"307 Temporary Redirect", headers=location)
        async with serving(read_request(), send(redirect)) as upstream:
            async with pool.exchange(request_to(upstream)) as exchange:
                assert exchange.status == 307
                assert await exchange.read() == b""
            assert elsewhere.peers == []


async def test_environment_proxies_are_not_looked_at(
    pool: HttpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(read_request(), send(answer(b"proxied"))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with serving(read_request(), send(answer(b"direct"))) as upstream:
            assert await ask(pool, request_to(upstream)) == b"direct"
        assert proxy.peers == []


async def test_reading_can_be_given_up_and_taken_up_again(pool: HttpPool) -> None:
    go = asyncio.Event()
    head, body, _ = answer(b"late").partition(b"late")
    script = (read_request(), send(head), until(go), send(body))
    async with serving(*script) as upstream, pool.exchange(request_to(upstream)) as exchange:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exchange.read(), 0.01)
        go.set()
        assert await exchange.read() == b"late"


async def test_an_exchange_is_over_with_its_block(pool: HttpPool) -> None:
    async with serving(read_request(), send(answer(b"x" * 10)[:-1])) as upstream:
        async with pool.exchange(request_to(upstream)) as exchange:
            assert await exchange.read() == b"x" * 9
        with pytest.raises(Internal):
            await exchange.read()


async def test_an_exchange_leaves_no_garbage(pool: HttpPool) -> None:
    # Collecting cycles stops the world: at some 50 000 exchanges a second that would be felt.
    def alive() -> int:
        return sum(isinstance(each, Exchange | Answer) for each in gc.get_objects())

    echo = forever(read_request(), reply(lambda request: answer(request.body)))
    async with serving(echo) as upstream:
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                await ask(pool, request_to(upstream, b"read to the end"))
                async with pool.exchange(request_to(upstream, b"left early")):
                    pass
            assert alive() == 0
        finally:
            gc.enable()


async def test_one_upstream_answers_many_requests(pool: HttpPool) -> None:
    script = forever(read_request(), reply(lambda request: answer(request.body)))
    async with serving(script) as upstream:
        for number in range(20):
            body = b"%d" % number
            assert await ask(pool, request_to(upstream, body)) == body
        assert len(upstream.peers) == 1
