"""What servers of Anthropic's format may say, and what is no answer of it."""

import json
from typing import Any

import pytest

from dragoman.domain.chat_answer import put_together
from dragoman.domain.chat_events import (
    CallArguments,
    CallStarted,
    Event,
    Finished,
    FinishReason,
    TokensUsed,
)
from dragoman.domain.errors import UpstreamBroken
from dragoman.protocols import anthropic
from dragoman.protocols.base import FailedInStream, Said
from tests.protocols.transcripts import framed, of

TEXT = of("anthropic", "text")
START, STOP = TEXT.stream[0], TEXT.stream[-1]
END = TEXT.stream[-2]


def block(index: int, kind: str, **members: Any) -> dict[str, Any]:
    content = {"type": kind, **members}
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, kind: str, **members: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **members}}


def ended(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def streamed(*events: dict[str, Any]) -> list[Event]:
    decoder = anthropic.decoder()
    found = [each for event in events for each in decoder.feed(framed(event))]
    decoder.close()
    return found


def whole(**members: Any) -> list[Event]:
    return list(anthropic.decode(json.dumps(TEXT.whole | members).encode()))


CALL = block(0, "tool_use", id="c", name="f", input={})
ARGUMENTS: list[tuple[list[dict[str, Any]], str]] = [
    ([CALL, ended(0)], "{}"),
    ([CALL], "{}"),
    ([CALL, delta(0, "input_json_delta", partial_json=""), ended(0)], "{}"),
    ([CALL, delta(0, "input_json_delta", partial_json='{"a'), ended(0)], '{"a'),
    ([block(0, "tool_use", id="c", name="f"), ended(0)], "{}"),
    ([block(0, "tool_use", id="c", name="f", input={"a": 1}), ended(0)], '{"a": 1}'),
]


@pytest.mark.parametrize(("events", "text"), ARGUMENTS)
def test_arguments_of_a_call(events: list[dict[str, Any]], text: str) -> None:
    found = streamed(START, *events, END, STOP)
    assert found[2] == CallStarted(0, "c", "f")
    assert "".join(each.text for each in found if isinstance(each, CallArguments)) == text


REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
    "pause_turn": FinishReason.PAUSED,
}


@pytest.mark.parametrize("reason", REASONS)
def test_why_an_answer_ends(reason: str) -> None:
    last = {"type": "message_delta", "delta": {"stop_reason": reason}}
    for events in (streamed(START, last, STOP), whole(stop_reason=reason)):
        assert events[-1] == Finished(REASONS[reason])


@pytest.mark.parametrize("reason", [None, "", "something_new"])
def test_an_answer_that_ends_for_no_known_reason_is_none(reason: str | None) -> None:
    last = {"type": "message_delta", "delta": {"stop_reason": reason}}
    with pytest.raises(UpstreamBroken, match="reason that is not known"):
        streamed(START, last, STOP)
    with pytest.raises(UpstreamBroken, match="reason that is not known"):
        whole(stop_reason=reason)


ERRORS = [
    ("invalid_request_error", 400),
    ("authentication_error", 401),
    ("rate_limit_error", 429),
    ("api_error", 500),
    ("timeout_error", 504),
    ("overloaded_error", 529),
    ("something_new", 500),
]


@pytest.mark.parametrize(("kind", "status"), ERRORS)
def test_an_error_within_a_stream_is_what_it_would_be_outside(kind: str, status: int) -> None:
    with pytest.raises(FailedInStream) as failed:
        streamed(START, {"type": "error", "error": {"type": kind, "message": "words"}})
    assert (failed.value.status, failed.value.said) == (status, Said("words", kind))


def test_an_error_that_says_nothing_is_one() -> None:
    with pytest.raises(FailedInStream):
        streamed({"type": "error"})


UNKNOWN: list[list[dict[str, Any]]] = [
    [block(0, "server_tool_use", id="s", name="web_search")],
    [block(0, "text", text="", citations=[{"type": "page_location"}])],
    [block(0, "text", text=""), delta(0, "citations_delta", citation={})],
    [block(0, "text", text=""), delta(0, "input_json_delta", partial_json="x")],
]


@pytest.mark.parametrize("events", UNKNOWN)
def test_content_that_is_not_known_is_not_left_out_in_silence(events: list[dict[str, Any]]) -> None:
    with pytest.raises(UpstreamBroken, match="kind of content"):
        streamed(START, *events, END, STOP)


def test_events_that_are_not_known_are_passed_over() -> None:
    ping, new = {"type": "ping"}, {"type": "something_new", "x": 1}
    assert streamed(ping, new, *TEXT.stream[:2], new, *TEXT.stream[2:]) == streamed(*TEXT.stream)


NOT_THE_FORMAT: list[list[dict[str, Any]]] = [
    [START, START],
    [block(0, "text")],
    [END],
    [{"type": "message_start"}],
    [START, {"type": "content_block_start", "index": 0}],
    [START, delta(0, "text_delta", text="x")],
    [START, block(0, "text"), block(0, "text")],
    [START, ended(0)],
    [START, block(0, "text"), ended(0), delta(0, "text_delta", text="x")],
    [START, block(0, "text", text=7)],
]


@pytest.mark.parametrize("events", NOT_THE_FORMAT)
def test_a_stream_that_is_not_of_the_format(events: list[dict[str, Any]]) -> None:
    with pytest.raises(UpstreamBroken, match="not of the format Anthropic Messages"):
        streamed(*events)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"type":"error"}', b"\xff"])
def test_a_body_that_is_not_of_the_format(body: bytes) -> None:
    with pytest.raises(UpstreamBroken, match="not of the format"):
        list(anthropic.decode(body))


def test_arguments_that_are_not_utf8_are_no_arguments() -> None:
    body = json.dumps(of("anthropic", "parallel_tools").whole).encode()
    with pytest.raises(UpstreamBroken, match="not of the format"):
        list(anthropic.decode(body.replace(b"Porto", b"\xff")))


def test_tokens_of_an_answer_that_has_only_begun_are_known() -> None:
    found = list(anthropic.decoder().feed(framed(START)))
    assert found[1] == TokensUsed(input_tokens=21, output_tokens=1)


def test_tokens_that_are_told_of_again_stand_in_place_of_the_earlier() -> None:
    last = END | {"usage": {"input_tokens": 30, "output_tokens": 9, "cache_read_input_tokens": 5}}
    answer = put_together(streamed(START, last, STOP))
    assert answer.tokens == TokensUsed(35, 9, cache_read_input_tokens=5)


SAID = [
    (b'{"type":"error","error":{"type":"api_error","message":"m"}}', Said("m", "api_error")),
    (b'{"error":{}}', Said()),
    (b"{}", Said()),
    (b"<html>", Said()),
    (b"", Said()),
]


@pytest.mark.parametrize(("body", "said"), SAID)
def test_what_an_error_answer_says(body: bytes, said: Said) -> None:
    assert anthropic.problem(body) == said
