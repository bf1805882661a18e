"""Errors are never counted as speed: every wrong answer is counted as one."""

import asyncio

import pytest

from benchmarks import load
from benchmarks.conversation import ANSWER, EVENTS, Call, Route, question
from benchmarks.load import Answers
from benchmarks.program import DidNotRunError
from tests.scripted_upstream import (
    ScriptedUpstream,
    Step,
    cut,
    forever,
    read_request,
    send,
    serving,
    until_hung_up,
    wait,
)

STREAM = b"".join(EVENTS)


def whole(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + end


def call_of(upstream: ScriptedUpstream, route: Route) -> Call:
    return Call("127.0.0.1", upstream.port, "/", {}, question("bench", route))


async def counted(route: Route, *steps: Step) -> Answers:
    async with serving(forever(read_request(), *steps)) as upstream:
        call = call_of(upstream, route)
        return await load.repeat(call, route, connections=2, seconds=0.02)


RIGHT = {
    "plain": (Route.PLAIN, whole(ANSWER)),
    "plain, written anew": (Route.PLAIN, whole(ANSWER.replace(b'","', b'", "'))),
    "a stream": (Route.FLOOD, chunked(*EVENTS)),
    "a stream in other pieces": (Route.FLOOD, chunked(STREAM[:1000], STREAM[1000:])),
    "a stream, written anew": (Route.FLOOD, chunked(STREAM.replace(b"chatcmpl", b"other"))),
}

WRONG = {
    "an error": (Route.PLAIN, whole(b'{"error":{}}', b"502 Bad Gateway")),
    "an error with the right body": (Route.PLAIN, whole(ANSWER, b"500 Oops")),
    "somebody else's answer": (Route.PLAIN, whole(ANSWER.replace(b"gateway", b"badgers"))),
    "no JSON": (Route.PLAIN, whole(b"<html>")),
    "another JSON": (Route.PLAIN, whole(b"[]")),
    "a stream in place of an answer": (Route.PLAIN, chunked(*EVENTS)),
    "an answer in place of a stream": (Route.FLOOD, whole(ANSWER)),
    "a stream without its end": (Route.FLOOD, chunked(STREAM.removesuffix(b"data: [DONE]\n\n"))),
    "a stream with a hole": (Route.FLOOD, chunked(*EVENTS[:10], *EVENTS[11:])),
    "a stream in another order": (Route.FLOOD, chunked(EVENTS[1], EVENTS[0], *EVENTS[2:])),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_answer_counts(case: str) -> None:
    route, answer = RIGHT[case]
    answers = asyncio.run(counted(route, send(answer)))
    assert answers.right == len(answers.whole_s) == len(answers.first_s) > 0
    assert answers.wrong == 0


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_answer_counts_as_wrong(case: str) -> None:
    route, answer = WRONG[case]
    answers = asyncio.run(counted(route, send(answer)))
    assert answers.wrong > 0
    assert answers.right == len(answers.whole_s) == 0


@pytest.mark.parametrize(
    "answer", [b"", whole(ANSWER)[:-1], chunked(*EVENTS, end=b""), b"no HTTP at all\r\n\r\n"]
)
def test_an_answer_that_breaks_off_counts_as_wrong(answer: bytes) -> None:
    answers = asyncio.run(counted(Route.FLOOD, send(answer), cut(), until_hung_up()))
    assert answers.wrong > 0
    assert answers.right == 0


async def test_after_a_broken_answer_the_caller_connects_anew() -> None:
    broken = [read_request(), send(b"HTTP/1.1 200 OK\r\n"), cut(), until_hung_up()]
    async with serving(broken, [forever(read_request(), send(whole(ANSWER)))]) as upstream:
        call = call_of(upstream, Route.PLAIN)
        answers = await load.repeat(call, Route.PLAIN, connections=1, seconds=0.02)
    assert answers.wrong == 1
    assert answers.right > 0


async def test_the_first_piece_is_timed_apart_from_the_whole() -> None:
    head, rest = chunked(EVENTS[0], end=b""), chunked(*EVENTS[1:]).partition(b"\r\n\r\n")[2]
    async with serving(read_request(), send(head), wait(0.1), send(rest)) as upstream:
        call = call_of(upstream, Route.PACED)
        answers = await load.repeat(call, Route.PACED, connections=1, seconds=0.001)
    assert answers.right == 1
    assert answers.first_s[0] < answers.whole_s[0] - 0.05


async def test_an_answer_that_never_comes_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "ANSWER_DEADLINE_S", 0.05)
    async with serving(read_request(), until_hung_up()) as upstream:
        call = call_of(upstream, Route.PLAIN)
        with pytest.raises(DidNotRunError):
            await load.repeat(call, Route.PLAIN, connections=1, seconds=0.001)


async def test_held_streams_are_open_and_have_begun() -> None:
    async with (
        serving(forever(read_request(), send(chunked(EVENTS[0], end=b"")))) as upstream,
        load.held(call_of(upstream, Route.HELD), streams=3) as answers,
    ):
        assert (answers.right, answers.wrong) == (3, 0)
        assert len(upstream.peers) == 3
        assert not any(peer.gone.is_set() for peer in upstream.peers)


async def test_a_first_answer_that_is_wrong_is_told_in_its_own_words() -> None:
    async with serving(read_request(), send(whole(b"no", b"403 No"))) as upstream:
        with pytest.raises(DidNotRunError, match=r"403.*no"):
            await load.first_answer(call_of(upstream, Route.PLAIN), Route.PLAIN)
