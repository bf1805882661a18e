"""What an application may get wrong: its caller sees a failure or a cut, never a clean end.

And when all callers have left, nothing of them is kept.
"""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from dragoman.dialect.record import CALLER, AsgiApp, Receive, Scope, Send
from dragoman.server.connection import Connection
from dragoman.server.limits import Limits
from dragoman.server.reading import Reader
from dragoman.server.request import Request
from dragoman.server.server import Server
from tests.server.wire import Answer, Wire
from tests.upstream.calling import eventually

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
OLD = GET.replace(b"1.1", b"1.0")


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(piece: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": piece, "more_body": more}


def sending(*messages: dict[str, Any], then: Callable[[], object] = int) -> AsgiApp:
    """Make an application that sends messages, each in a round of its own, and then does more."""

    async def app(_: Scope, __: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
            await asyncio.sleep(0.01)
        then()

    return app


def fail() -> None:
    raise RuntimeError("planted")


def cancel() -> None:
    raise asyncio.CancelledError


LENGTH_3 = (b"content-length", b"3")

# The head of an answer with a length waits for the first piece, so it can be taken back until then.
EARLY: dict[str, AsgiApp] = {
    "raises at once": sending(then=fail),
    "is cancelled at once": sending(then=cancel),
    "says nothing": sending(),
    "sends a body first": sending(body(b"abc")),
    "begins with a status line of its own": sending(start((b"x", b"a\r\nb: c"))),
    "begins with NUL in a header": sending(start((b"x", b"a\0"))),
    "begins with LF in a name": sending(start((b"x\n", b"a"))),
    "begins with a length that is no number": sending(start((b"content-length", b"three"))),
    "sends too little at once": sending(start(LENGTH_3), body(b"ab")),
    "sends too much at once": sending(start(LENGTH_3), body(b"abcd")),
}
LATE: dict[str, AsgiApp] = {
    "raises behind the head": sending(start(), then=fail),
    "raises in the middle": sending(start(), body(b"abc", more=True), then=fail),
    "is cancelled in the middle": sending(start(), body(b"abc", more=True), then=cancel),
    "stops in the middle": sending(start(), body(b"abc", more=True)),
    "stops behind the head": sending(start()),
    "begins twice": sending(start(), start()),
    "begins twice in the middle": sending(start(), body(b"abc", more=True), start()),
}
LONG_OR_SHORT: dict[str, AsgiApp] = {
    "sends too little in pieces": sending(start(LENGTH_3), body(b"a", more=True), body(b"b")),
    "stops too early": sending(start(LENGTH_3), body(b"ab", more=True)),
    "sends too much": sending(start(LENGTH_3), body(b"ab", more=True), body(b"cd")),
    "sends too much without an end": sending(
        start(LENGTH_3), body(b"ab", more=True), body(b"cd", more=True)
    ),
}


@asynccontextmanager
async def serving(app: AsgiApp, **limits: Any) -> AsyncIterator[tuple[Server, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        server = Server(app, Limits(**limits))
        await server.listen(listener)

        async def nothing() -> None:
            pass

        try:
            yield server, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await server.drain(0, nothing)


async def rest(url: str, request: bytes) -> tuple[bytes, bool]:
    """Send a request; gives what comes, and whether the connection was reset."""

    def exchange() -> tuple[bytes, bool]:
        with Wire(url) as wire:
            return wire.send(request).rest(), wire.was_reset

    return await asyncio.to_thread(exchange)


async def answered(url: str, request: bytes) -> Answer:
    def exchange() -> Answer:
        with Wire(url) as wire:
            return wire.send(request).answer()

    return await asyncio.to_thread(exchange)


@pytest.mark.parametrize("request_", [GET, OLD], ids=["1.1", "1.0"])
@pytest.mark.parametrize("case", EARLY)
async def test_what_fails_before_its_answer_is_answered(case: str, request_: bytes) -> None:
    async with serving(EARLY[case]) as (_, url):
        answer = await answered(url, request_)
    assert answer.status == 500
    assert answer.json["error"]["code"] == "internal"
    assert "planted" not in str(answer)


@pytest.mark.parametrize("case", LATE)
async def test_what_fails_in_its_answer_is_cut(case: str) -> None:
    async with serving(LATE[case]) as (_, url):
        received, _ = await rest(url, GET)
    head, _, sent = received.partition(b"\r\n\r\n")
    assert b"chunked" in head
    assert sent in {b"", b"3\r\nabc\r\n"}


@pytest.mark.parametrize("case", LATE)
async def test_to_old_callers_it_is_cut_by_a_reset(case: str) -> None:
    async with serving(LATE[case]) as (_, url):
        received, was_reset = await rest(url, OLD)
    assert was_reset
    assert received.partition(b"\r\n\r\n")[2] in {b"", b"abc"}


@pytest.mark.parametrize("request_", [GET, OLD], ids=["1.1", "1.0"])
@pytest.mark.parametrize("case", LONG_OR_SHORT)
async def test_an_answer_of_another_length_is_never_whole(case: str, request_: bytes) -> None:
    async with serving(LONG_OR_SHORT[case]) as (_, url):
        received, _ = await rest(url, request_ + request_)
    head, _, sent = received.partition(b"\r\n\r\n")
    assert b"content-length: 3" in head
    assert len(sent) < 3


async def test_what_is_sent_behind_the_end_reaches_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = sending(start(LENGTH_3), body(b"abc"), body(b"def"))
    async with serving(app) as (_, url):
        for _ in range(2):
            assert (await answered(url, GET)).body == b"abc"
    assert "request_failed" in caplog.text


async def test_an_application_that_never_ends_is_ended_by_the_drain() -> None:
    has_sent = asyncio.Event()

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"abc", more=True))
        has_sent.set()
        await asyncio.Event().wait()

    async with serving(app) as (server, url):
        call = asyncio.create_task(rest(url, GET))
        await has_sent.wait()
        assert server.running
    assert not server.running
    assert (await call)[0].endswith(b"3\r\nabc\r\n")


async def waits(scope: Scope, receive: Receive, send: Send) -> None:
    """Hear of the caller's leaving in each of the two ways there are."""
    if scope["path"] == "/receive":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    gone = asyncio.Event()
    scope["extensions"][CALLER].when_gone(lambda _: gone.set())
    await send(start())
    await send(body(b"abc", more=True))
    await gone.wait()


async def floods(_: Scope, __: Receive, send: Send) -> None:
    await send(start())
    for _ignored in range(1000):
        await send(body(b"x" * 65536, more=True))


LEAVERS = 200


@contextmanager
def no_collections() -> Iterator[None]:
    """Let objects go only when nothing refers to them: what is in a circle stays to be seen."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def kept() -> list[object]:
    return [one for one in gc.get_objects() if isinstance(one, Connection | Request | Reader)]


@pytest.mark.parametrize("app", [waits, floods])
async def test_nothing_is_kept_of_callers_who_have_left(
    app: Callable[..., Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    began: set[str] = set()
    times = 0

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal times
        began.add(scope["path"])
        times += 1
        await app(scope, receive, send)

    async def leave(number: int) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        request = GET.replace(b"/ ", (b"/receive ", b"/gone ")[number % 2], 1)
        writer.write(request if number % 3 else request[:20])
        await asyncio.sleep(0.02 * (number % 4))
        if number % 5:
            writer.close()
        else:
            writer.transport.abort()

    async with serving(counted) as (server, url):
        tasks = len(asyncio.all_tasks())
        with no_collections():
            before = len(kept())
            await asyncio.gather(*(leave(number) for number in range(3 * LEAVERS)))
            await eventually(lambda: not (server.connections or server.running))
            await eventually(lambda: len(asyncio.all_tasks()) == tasks)
            assert len(kept()) == before
        assert began == {"/receive", "/gone"}
        assert times > LEAVERS
    assert caplog.text == ""


async def test_one_connection_whose_look_fails_does_not_end_the_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every deadline hangs on them."""
    looks: list[float] = []

    def broken(now: float) -> None:
        looks.append(now)
        raise ValueError("planted")

    async with serving(waits, keep_alive_s=0.2) as (server, url):
        host, _, port = url.removeprefix("http://").partition(":")
        _, first = await asyncio.open_connection(host, int(port))
        await eventually(lambda: server.connections)
        (connection,) = server.connections
        monkeypatch.setattr(connection, "look", broken)
        await eventually(lambda: looks)
        reader, second = await asyncio.open_connection(host, int(port))
        assert await asyncio.wait_for(reader.read(), 10) == b""
        for writer in (first, second):
            writer.close()
