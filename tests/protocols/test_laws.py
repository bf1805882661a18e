"""What has to hold for every wire format, tried on every golden transcript."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from dragoman.domain.chat import Assistant, Text, ToolCall
from dragoman.domain.chat_answer import ChatAnswer, put_together
from dragoman.domain.chat_events import Event, Finished, Started
from dragoman.domain.errors import UpstreamBroken, UpstreamError
from dragoman.gateway.body import read_members
from dragoman.protocols import openai_chat
from dragoman.protocols.base import FailedInStream, WireFormat
from dragoman.protocols.openai_chat.reading import read
from dragoman.protocols.openai_chat.writing import StreamWriter, completion
from tests.protocols.transcripts import (
    TRANSCRIPTS,
    Transcript,
    arguments,
    chat_of,
    every_transcript,
    framed,
)

ODD = [b"null", b"-1", b"{}", b"[]", b'""', b'"\\ud800"', b"1e999", b"\xff", b"[" * 2000]
"""What decoders trip over."""

ERRORS = {
    "anthropic": {"type": "error", "error": {"type": "overloaded_error", "message": "full"}},
    "openai_chat": {"error": {"message": "full", "type": "server_error", "code": "overloaded"}},
}


def streamed(wire_format: WireFormat, pieces: Iterable[bytes]) -> list[Event]:
    """Read a stream to its end."""
    decoder = wire_format.decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    decoder.close()
    return events


def meant(answer: ChatAnswer) -> Any:
    """Give what an answer means: of arguments their values."""
    calls = [(call.id, call.name, arguments(call.arguments)) for call in answer.calls]
    return replace(answer, calls=()), calls


def written(events: Sequence[Event]) -> list[bytes]:
    """Write a stream for a caller, chunk by chunk."""
    writer = StreamWriter(created_s=1, include_usage=True)
    return [chunk for event in events for chunk in _chunks(writer.chunk(event))]


def _chunks(text: bytes) -> list[bytes]:
    return [part + b"\n\n" for part in text.split(b"\n\n") if part]


@every_transcript
def test_what_is_asked_is_sent_in_the_upstreams_words(transcript: Transcript) -> None:
    sent = transcript.format.encode(transcript.chat, transcript.configuration, transcript.url)
    assert json.loads(sent.body) == transcript.sent
    assert transcript.url.endswith(sent.path)


@every_transcript
def test_the_same_is_always_sent_alike(transcript: Transcript) -> None:
    bodies = {
        transcript.format.encode(transcript.chat, transcript.configuration, transcript.url).body
        for _ in range(3)
    }
    assert len(bodies) == 1


@every_transcript
def test_a_streamed_request_differs_only_in_being_one(transcript: Transcript) -> None:
    chat = replace(transcript.chat, stream=True)
    sent = transcript.format.encode(chat, transcript.configuration, transcript.url)
    body = json.loads(sent.body)
    assert body.pop("stream") is True
    body.pop("stream_options", None)
    assert body == transcript.sent


@every_transcript
def test_a_stream_means_the_same_as_the_whole_answer(transcript: Transcript) -> None:
    whole = put_together(transcript.format.decode(transcript.body))
    stream = put_together(streamed(transcript.format, transcript.events))
    assert meant(stream) == meant(whole)


@every_transcript
def test_the_caller_hears_what_the_upstream_said(transcript: Transcript) -> None:
    answer = put_together(transcript.format.decode(transcript.body))
    said = json.loads(completion(answer, created_s=1))
    [choice] = said["choices"]
    message = choice["message"]
    heard = {"content": message["content"], "finish_reason": choice["finish_reason"]}
    heard["usage"] = said["usage"]
    for name in ("refusal", "reasoning_content"):
        if message.get(name):
            heard[name] = message[name]
    if message.get("tool_calls"):
        heard["tool_calls"] = [
            {
                "id": call["id"],
                "name": call["function"]["name"],
                "arguments": arguments(call["function"]["arguments"]),
            }
            for call in message["tool_calls"]
        ]
    assert heard == transcript.answer


@every_transcript
@given(data=st.data())
def test_how_the_network_cuts_a_stream_does_not_matter(
    transcript: Transcript, data: st.DataObject
) -> None:
    stream = b"".join(transcript.events)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=20)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    assert streamed(transcript.format, pieces) == streamed(transcript.format, [stream])


@every_transcript
def test_a_stream_may_come_byte_by_byte(transcript: Transcript) -> None:
    stream = b"".join(transcript.events)
    pieces = [stream[at : at + 1] for at in range(len(stream))]
    assert streamed(transcript.format, pieces) == streamed(transcript.format, [stream])


@every_transcript
def test_a_stream_that_is_cut_short_has_no_end_and_is_the_upstreams_fault(
    transcript: Transcript,
) -> None:
    stream = b"".join(transcript.events)
    ends = set(accumulate(map(len, transcript.events[:-1])))
    for length in sorted({*range(0, len(stream) - 1, 7), *ends, len(stream) - 2}):
        decoder = transcript.format.decoder()
        assert Finished not in map(type, decoder.feed(stream[:length]))
        with pytest.raises(UpstreamBroken, match="ended before it was complete"):
            decoder.close()


@every_transcript
def test_a_whole_answer_that_is_cut_short_is_the_upstreams_fault(transcript: Transcript) -> None:
    for length in range(0, len(transcript.body), 3):
        with pytest.raises(UpstreamBroken):
            put_together(transcript.format.decode(transcript.body[:length]))


@every_transcript
def test_an_error_within_a_stream_comes_after_what_was_said_before(transcript: Transcript) -> None:
    error = framed(ERRORS[transcript.protocol])
    for count in range(len(transcript.events)):
        decoder = transcript.format.decoder()
        before = b"".join(transcript.events[:count])
        expected = list(transcript.format.decoder().feed(before))
        found: list[Event] = []
        with pytest.raises(FailedInStream) as failed:
            found.extend(decoder.feed(before + error))
        assert found == expected
        assert failed.value.said.message == "full"


@every_transcript
def test_what_comes_after_the_end_is_not_listened_to(transcript: Transcript) -> None:
    stream = b"".join(transcript.events)
    after = framed(ERRORS[transcript.protocol])
    assert streamed(transcript.format, [stream, after]) == streamed(transcript.format, [stream])


@every_transcript
def test_what_our_writer_writes_our_decoder_reads(transcript: Transcript) -> None:
    events = streamed(transcript.format, transcript.events)
    again = streamed(openai_chat, written(events))
    assert meant(put_together(again)) == meant(put_together(events))
    whole = put_together(transcript.format.decode(transcript.body))
    assert meant(put_together(openai_chat.decode(completion(whole, created_s=1)))) == meant(whole)


@every_transcript
def test_what_we_answer_is_what_openais_sdk_expects(transcript: Transcript) -> None:
    whole = put_together(transcript.format.decode(transcript.body))
    ChatCompletion.model_validate_json(completion(whole, created_s=1), strict=True)
    chunks = written(streamed(transcript.format, transcript.events))
    assert chunks.pop() == b"data: [DONE]\n\n"
    for chunk in chunks:
        ChatCompletionChunk.model_validate_json(chunk.removeprefix(b"data: "), strict=True)


@every_transcript
def test_an_answer_that_is_sent_back_is_what_was_answered(transcript: Transcript) -> None:
    """Calls, thoughts and their signatures survive the way to the caller and back."""
    answer = put_together(transcript.format.decode(transcript.body))
    message = json.loads(completion(answer, created_s=1))["choices"][0]["message"]
    user = {"role": "user", "content": "And?"}
    [_, said, _] = chat_of({"messages": [user, message, user]}).messages
    assert isinstance(said, Assistant)
    parts = [part for part in said.parts if part != Text("")]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    assert calls == list(answer.calls)
    assert parts[: len(answer.thoughts)] == list(answer.thoughts)


@every_transcript
def test_what_is_asked_survives_openais_format_and_back(transcript: Transcript) -> None:
    llm = transcript.configuration
    sent = openai_chat.encode(transcript.chat, llm, "https://api.openai.com/v1/chat/completions")
    again = read(read_members(sent.body))
    assert _compact(again) == _compact(transcript.chat)


def _compact(chat: Any) -> Any:
    """Read what stays text on its way, in which only spaces may differ."""
    return msgspec.to_builtins(chat, enc_hook=lambda raw: json.loads(bytes(raw)))


@every_transcript
@given(data=st.data())
def test_bytes_that_are_wrong_are_the_upstreams_fault_and_nothing_else(
    transcript: Transcript, data: st.DataObject
) -> None:
    """Whatever is there in place of some bytes, the answer is read or is the upstream's fault."""
    for whole in (b"".join(transcript.events), transcript.body):
        start = data.draw(st.integers(0, len(whole)))
        end = data.draw(st.integers(start, min(start + 12, len(whole))))
        odd = data.draw(st.binary(max_size=8) | st.sampled_from(ODD))
        changed = whole[:start] + odd + whole[end:]
        with suppress(UpstreamError):
            written(streamed(transcript.format, [changed]))
        with suppress(UpstreamError):
            completion(put_together(transcript.format.decode(changed)), created_s=1)


names = st.text("abcXYZ019_-", min_size=1, max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
calls = st.lists(
    st.tuples(names, names, st.dictionaries(st.text(), json_values, max_size=3)),
    min_size=1,
    max_size=4,
)


@given(calls, st.data())
def test_parallel_calls_survive_a_stream_in_any_pieces_and_order(
    wanted: list[tuple[str, str, dict[str, Any]]], data: st.DataObject
) -> None:
    """From Anthropic's stream to OpenAI's and back into Anthropic's request."""
    transcript = next(each for each in TRANSCRIPTS if each.name == "parallel_tools")
    started = [
        {
            "type": "content_block_start",
            "index": index,
            "content_block": {"type": "tool_use", "id": call_id, "name": name, "input": {}},
        }
        for index, (call_id, name, _) in enumerate(wanted)
    ]
    deltas = []
    for index, (_, _, values) in enumerate(wanted):
        text = json.dumps(values) if values else ""
        cut = data.draw(st.integers(0, len(text)))
        deltas.append([_arguments(index, text[:cut]), _arguments(index, text[cut:])])
    order = data.draw(st.permutations([n for n in range(len(wanted)) for _ in range(2)]))
    mixed = [deltas[index].pop(0) for index in order]
    stopped = [{"type": "content_block_stop", "index": n} for n in range(len(wanted))]
    events = [transcript.stream[0], *started, *mixed, *stopped, *transcript.stream[-2:]]
    found = streamed(transcript.format, map(framed, events))
    heard = put_together(streamed(openai_chat, written(found)))
    assert [(c.id, c.name, json.loads(c.arguments)) for c in heard.calls] == wanted

    message = json.loads(completion(heard, created_s=1))["choices"][0]["message"]
    user = {"role": "user", "content": "x"}
    chat = chat_of({"messages": [user, message]})
    sent = json.loads(transcript.format.encode(chat, transcript.configuration, transcript.url).body)
    blocks = sent["messages"][1]["content"]
    assert [(b["id"], b["name"], b["input"]) for b in blocks] == wanted


def _arguments(index: int, text: str) -> dict[str, Any]:
    delta = {"type": "input_json_delta", "partial_json": text}
    return {"type": "content_block_delta", "index": index, "delta": delta}


@every_transcript
def test_an_answer_begins_with_its_name_and_ends_with_its_reason(transcript: Transcript) -> None:
    for events in (
        streamed(transcript.format, transcript.events),
        list(transcript.format.decode(transcript.body)),
    ):
        assert [type(event) for event in events].count(Started) == 1
        assert isinstance(events[0], Started)
        assert isinstance(events[-1], Finished)
        assert events[0].id == transcript.whole["id"]
        assert events[0].model == transcript.whole["model"]


def test_every_transcript_says_what_it_is_made_after() -> None:
    assert {each.protocol for each in TRANSCRIPTS} == ERRORS.keys()
    assert all("2026-" in each.source for each in TRANSCRIPTS)
