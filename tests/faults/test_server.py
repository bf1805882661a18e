"""Each fault through the server as it is shipped, with two workers.

The caller learns whose fault it was, or gets an answer that cannot be taken for whole; the next
call, over the same connection and so by the same worker, does not feel it.
"""

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from dragoman.domain.ports import Deadlines
from tests.background import in_background
from tests.caller import Caller, calling
from tests.faults.answers import DONE, EVENT, JSON, STREAM, chunk, plain
from tests.faults.fault import HASTY_S, Fault
from tests.faults.table import BODY, EARLY, FAULTS, LIMITS, ODD, SECRET, Odd
from tests.running import RunningDragoman
from tests.scripted_upstream import (
    Script,
    Step,
    close,
    close_half,
    cut,
    drip,
    forever,
    read_again,
    read_body,
    read_nothing,
    read_request,
    reset,
    send,
    serving,
    wait,
)
from tests.upstream.calling import PATIENT
from tests.upstream.responses import BROKEN

HEALTHY = b'{"well":true}'
OUR_SECRET = "sk-planted-in-the-request"

Register = Callable[..., str]
"""Registers an LLM at a URL, with its own deadlines if wanted; gives its name."""

_numbers = itertools.count()


@pytest.fixture(scope="module")
def dragoman(
    tmp_path_factory: pytest.TempPathFactory, ca_bundle: Path
) -> Iterator[RunningDragoman]:
    """Run a server whose own deadlines are short; LLMs have theirs."""
    with RunningDragoman.start(
        tmp_path_factory.mktemp("dragoman") / "data",
        workers=2,
        ca_bundle=str(ca_bundle),
        upstream_answer_max_bytes=str(LIMITS.answer),
        upstream_line_max_bytes=str(LIMITS.line),
        upstream_connect_s="0.8",
        upstream_first_byte_s="0.6",
        upstream_idle_s="0.7",
        upstream_total_s="2.5",
    ) as dragoman:
        yield dragoman


@pytest.fixture(scope="module")
def register(dragoman: RunningDragoman) -> Iterator[Register]:
    with dragoman.client() as client:
        yield lambda url, deadlines=PATIENT: _registered(client, url, deadlines)


def _registered(client: httpx2.Client, url: str, deadlines: Deadlines | None) -> str:
    name = f"llm-{next(_numbers)}"
    body = {
        "display_name": name,
        "protocol": "openai",
        "endpoints": [{"url": f"{url}/v1/chat/completions"}],
        "model": "tiny",
        "credential": {"secret": OUR_SECRET},
        "timeouts": deadlines and msgspec.to_builtins(deadlines),
    }
    answer = client.post("/api/v1/llms", json=body)
    assert answer.status_code == 201, answer.text
    return name


@pytest.fixture(scope="module")
def healthy(register: Register) -> Iterator[str]:
    """Register an upstream at which nothing is wrong."""
    echo = forever(read_request(), send(plain(HEALTHY, JSON)))
    with in_background(serving(echo)) as upstream:
        yield register(upstream.url)


@pytest.fixture
async def caller(dragoman: RunningDragoman) -> AsyncIterator[Caller]:
    async with calling(*at(dragoman)) as caller:
        yield caller


def at(dragoman: RunningDragoman) -> tuple[str, str]:
    return dragoman.url, dragoman.admin_key


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault(
    fault: Fault, register: Register, caller: Caller, healthy: str, certified: ssl.SSLContext
) -> None:
    async with fault.serving(certified if fault.encrypted else None) as upstream:
        name = register(upstream.url, fault.deadlines)
        received = await caller.call(name, stream=True)
        for secret in (SECRET, OUR_SECRET.encode()):
            assert secret not in received.body
        if fault.beginning is None:
            assert received.status == fault.status
            assert received.headers["x-dragoman-fault"] == "upstream"
            assert received.error["type"] == "upstream_error"
            code = "upstream_refused" if received.error["message"].endswith("500.") else None
            assert received.error["code"] == (code or fault.error.code)
        else:
            assert received.status == 200
            assert received.body.startswith(fault.beginning)
            assert not received.whole
            assert DONE not in received.body.removeprefix(fault.beginning)
            says_so = b'data: {"error":{"message":"' in received.body
            assert says_so == fault.says_so or fault.says_so is None
            if says_so:
                event = msgspec.json.decode(received.body.split(b"data: ")[-1])
                assert event["error"]["type"] == "upstream_error"
                assert event["error"]["code"] == fault.error.code
        assert (await caller.call(healthy)).body == HEALTHY
        assert len(upstream.requests) <= 1
        for peer in upstream.peers:
            await peer.left()


@pytest.mark.parametrize("wire", BROKEN.values(), ids=BROKEN)
async def test_a_broken_answer_never_looks_whole(
    wire: bytes, register: Register, caller: Caller, healthy: str
) -> None:
    async with serving(read_request(), send(wire), close()) as upstream:
        received = await caller.call(register(upstream.url))
        if received.status == 502:
            assert received.error["code"] == "upstream_broken"
        else:
            assert not received.whole
        assert (await caller.call(healthy)).body == HEALTHY
        await upstream.peers[0].left()


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_what_is_odd_but_an_answer(odd: Odd, register: Register, caller: Caller) -> None:
    follower: list[Step] = [read_request(), send(plain(b'{"next":1}', JSON))]
    async with serving([read_request(), *odd.script, *follower], follower) as upstream:
        name = register(upstream.url)
        received = await caller.call(name)
        assert (received.status, received.body, received.whole) == (200, odd.body, True)
        if not odd.reusable:
            await upstream.peers[0].left()
        assert (await caller.call(name)).body == b'{"next":1}'
        assert len(upstream.peers) == (1 if odd.reusable else 2)


@pytest.mark.parametrize("script", EARLY.values(), ids=EARLY)
async def test_an_answer_that_comes_before_the_request_was_read(
    script: Script, register: Register, caller: Caller
) -> None:
    follower: list[Step] = [read_request(), send(plain(BODY, JSON))]
    async with serving([*script, read_body(), *follower], follower) as upstream:
        name = register(upstream.url)
        received = await caller.call(name, user="x" * 20_000_000)
        assert (received.status, received.headers["x-dragoman-fault"]) == (413, "caller")
        assert received.error["code"] == "upstream_refused"
        assert (await caller.call(name)).body == BODY


IDLE_ENDS = {
    "closed": [close()],
    "half closed": [close_half()],
    "cut": [cut()],
    "reset": [reset()],
    "an answer that nobody asked for": [send(plain(SECRET, JSON))],
    "one byte": [send(b"H")],
    "an answer, and half closed": [send(plain(SECRET, JSON)), close_half()],
}


@pytest.mark.parametrize("end", IDLE_ENDS.values(), ids=IDLE_ENDS)
async def test_what_happens_to_an_idle_connection_reaches_nobody(
    end: list[Step], register: Register, caller: Caller
) -> None:
    go = asyncio.Event()

    async def until_told(_: object) -> None:
        await go.wait()

    follower: list[Step] = [read_request(), send(plain(BODY, JSON))]
    async with serving([*follower, until_told, *end], follower) as upstream:
        name = register(upstream.url)
        assert (await caller.call(name)).body == BODY
        go.set()
        await upstream.peers[0].left()
        received = await caller.call(name)
        assert (received.status, received.body) == (200, BODY)
        assert [len(peer.requests) for peer in upstream.peers] == [1, 1]


UNREAD = read_nothing()
SLOW: dict[str, tuple[str, Script]] = {
    "first byte": ("0.6 s (first byte)", (read_request(),)),
    "idle": ("0.7 s (idle)", (read_request(), send(STREAM + chunk(EVENT)))),
    "total": (
        "2.5 s (total)",
        (read_request(), send(STREAM + chunk(EVENT)), drip(chunk(b":") * 200, 0.05)),
    ),
    "a request that is not read on": ("0.6 s (first byte)", (UNREAD, wait(3), read_again())),
}


async def test_an_llm_without_deadlines_has_those_of_the_installation(
    register: Register, dragoman: RunningDragoman
) -> None:
    async def call(message: str, script: Script) -> None:
        size = 20_000_000 if script[0] is UNREAD else 1
        async with serving(*script) as upstream, calling(*at(dragoman)) as caller:
            received = await caller.call(register(upstream.url, None), user="x" * size)
            begun = received.status == 200
            assert not (begun and received.whole)
            if not begun:
                assert (received.status, received.error["code"]) == (504, "upstream_timeout")
            if not received.body.endswith(b":"):  # no place for an event within another
                assert message.encode() in received.body
            await upstream.peers[0].left()

    await asyncio.gather(*(call(*case) for case in SLOW.values()))


async def test_a_slow_caller_is_not_idleness_but_counts_for_the_whole(
    register: Register, caller: Caller
) -> None:
    go = asyncio.Event()

    async def until_told(_: object) -> None:
        await go.wait()

    deadlines = msgspec.structs.replace(PATIENT, idle_s=HASTY_S)
    flow = chunk(b": waiting\n\n" * 1000) * 1000  # more than lies between us and the caller
    script = (read_request(), send(STREAM + flow), until_told, send(chunk(DONE) + chunk(b"")))
    async with serving(*script) as upstream:
        await caller.send(register(upstream.url, deadlines))
        await caller.piece()
        await asyncio.sleep(3 * HASTY_S)
        go.set()
        received = await caller.receive()
        assert received.whole
        assert received.body.endswith(DONE)


async def test_a_caller_who_does_not_read_does_not_outlive_the_whole(
    register: Register, caller: Caller
) -> None:
    deadlines = msgspec.structs.replace(PATIENT, total_s=HASTY_S)
    flow = chunk(b": waiting\n\n" * 1000) * 3000
    async with serving(read_request(), send(STREAM + flow)) as upstream:
        await caller.send(register(upstream.url, deadlines))
        await caller.piece()
        await upstream.peers[0].left()
        assert not (await caller.receive()).whole
