"""A call whose upstream speaks another format: what goes out, what comes back, and what fails."""

import json
from time import perf_counter
from typing import Any

import pytest

from dragoman.authz.check import Actor
from dragoman.domain.chat_events import TokensUsed
from dragoman.domain.errors import (
    Invalid,
    NotCallable,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
)
from dragoman.domain.llm import ProtocolName, ReasoningFormat, Sampling
from dragoman.domain.ports import Headers
from dragoman.domain.url import Endpoint
from dragoman.domain.usage import Usage
from dragoman.gateway.relay import LARGE_BODY_BYTES
from dragoman.vault.secret import Secret
from tests.fakes.upstream import FakeAnswer, FakeExchange, FakeUpstream, sent_lines
from tests.gateway.test_relay import SECRET, registered, relaying
from tests.protocols.transcripts import Transcript, framed, of
from tests.registry.installation import NOON_MS, Installation

TEXT = of("anthropic", "text")
THOUGHT = of("anthropic", "thought_before_a_call")
OVERLOADED = framed({"type": "error", "error": {"type": "overloaded_error", "message": SECRET}})
HERE = Endpoint.parse("https://a.example/v1/messages?beta=true")
THERE = Endpoint.parse("https://b.example/proxy/messages")


async def registering(installation: Installation, **asked: Any) -> Actor:
    members = {
        "protocol": ProtocolName.ANTHROPIC,
        "endpoints": (HERE,),
        "model": "claude-opus-4-5",
    }
    return await registered(installation, **(members | asked))


class Call:
    """One call, and what came of it."""

    def __init__(self, installation: Installation, who: Actor, upstream: FakeUpstream) -> None:
        self.upstream = upstream
        self.answer = FakeAnswer()
        self.usage = Usage("req_1", perf_counter())
        self._relay = relaying(installation, upstream)
        self._who = who

    async def make(
        self, transcript: Transcript = TEXT, headers: Headers | None = None, **members: Any
    ) -> dict[str, Any]:
        """Call; gives the answer's body, if it is JSON."""
        body = json.dumps(transcript.caller | members).encode()
        asked = self._relay.asked(headers or [])
        await self._relay.chat(self.usage, self._who, asked, body, self.answer)
        return json.loads(self.answer.body) if not members.get("stream") else {}

    @property
    def chunks(self) -> list[Any]:
        """What a stream has said so far."""
        parts = self.answer.body.decode().split("\n\n")
        assert parts.pop() == ""
        return [json.loads(part.removeprefix("data: ")) for part in parts if "[DONE]" not in part]

    @property
    def heard(self) -> str:
        """The words among it."""
        choices = [choice for chunk in self.chunks for choice in chunk["choices"]]
        return "".join(choice["delta"].get("content") or "" for choice in choices)


async def test_a_whole_answer_is_translated(installation: Installation) -> None:
    call = Call(installation, await registering(installation), FakeUpstream(TEXT.body))
    said = await call.make()
    assert said["choices"][0]["message"]["content"] == TEXT.answer["content"]
    assert said["created"] == NOON_MS // 1000
    assert call.answer.is_whole
    assert dict(call.answer.headers) == {
        b"content-type": b"application/json",
        b"content-length": b"%d" % len(call.answer.body),
    }
    assert call.usage.tokens == TokensUsed(input_tokens=21, output_tokens=9)


async def test_a_stream_is_translated_as_it_comes(installation: Installation) -> None:
    call = Call(installation, await registering(installation), FakeUpstream(*TEXT.events))
    await call.make(stream=True)
    assert call.heard == TEXT.answer["content"]
    assert call.answer.body.endswith(b"data: [DONE]\n\n")
    assert call.answer.is_whole
    assert call.answer.headers == [(b"content-type", b"text/event-stream; charset=utf-8")]
    assert call.usage.tokens == TokensUsed(input_tokens=21, output_tokens=9)


@pytest.mark.parametrize("wanted", [True, False])
async def test_usage_is_told_at_a_streams_end_to_those_who_ask(
    installation: Installation, *, wanted: bool
) -> None:
    call = Call(installation, await registering(installation), FakeUpstream(*TEXT.events))
    await call.make(stream=True, stream_options={"include_usage": wanted})
    told = [chunk["usage"] for chunk in call.chunks if "usage" in chunk]
    assert told == ([TEXT.answer["usage"]] if wanted else [])


async def test_what_goes_out_is_the_upstreams_format_at_its_own_url(
    installation: Installation,
) -> None:
    call = Call(installation, await registering(installation), FakeUpstream(TEXT.body))
    theirs = [(b"openai-beta", b"x"), (b"anthropic-version", b"x"), (b"accept", b"a/b")]
    await call.make(headers=[*theirs, (b"x-api-key", b"mine"), (b"anthropic-beta", b"mine")])
    [request] = call.upstream.requests
    lines = sent_lines(request)
    sent = dict(lines)
    assert len(sent) == len(lines)
    assert sent.keys() >= {b"content-type", b"accept", b"cdn-loop"}
    assert sent[b"x-api-key"] == SECRET.encode()
    assert sent[b"anthropic-version"] == b"2023-06-01"
    assert sent.keys().isdisjoint({b"openai-beta", b"anthropic-beta", b"authorization"})
    assert request.target == b"/v1/messages?beta=true"
    assert json.loads(request.body) == TEXT.sent | {"model": "claude-opus-4-5"}


async def test_a_version_among_the_llms_headers_stands_before_ours(
    installation: Installation,
) -> None:
    headers = {"anthropic-version": Secret("2026-10-21")}
    who = await registering(installation, headers=headers)
    call = Call(installation, who, FakeUpstream(TEXT.body))
    await call.make()
    versions = [v for n, v in sent_lines(call.upstream.requests[0]) if n == b"anthropic-version"]
    assert versions == [b"2026-10-21"]


async def test_what_cannot_be_expressed_is_refused_before_anything_is_sent(
    installation: Installation,
) -> None:
    call = Call(installation, await registering(installation), FakeUpstream(TEXT.body))
    with pytest.raises(Invalid, match=r"seed: .*; audio: "):
        await call.make(seed=1, audio={"voice": "x"})
    assert call.upstream.requests == []
    assert call.usage.attempts == 0


async def test_stored_defaults_are_sent_where_the_caller_leaves_them_out(
    installation: Installation,
) -> None:
    sampling = Sampling(top_p=0.25, max_tokens=5)
    who = await registering(installation, sampling=sampling)
    call = Call(installation, who, FakeUpstream(TEXT.body))
    await call.make(top_p=None, max_tokens=None)
    sent = json.loads(call.upstream.requests[0].body)
    assert (sent["top_p"], sent["max_tokens"]) == (0.25, 5)


async def test_a_stored_setting_that_cannot_be_sent_is_not_the_callers_fault(
    installation: Installation,
) -> None:
    who = await registering(installation, sampling=Sampling(frequency_penalty=0.5))
    call = Call(installation, who, FakeUpstream(TEXT.body))
    with pytest.raises(NotCallable, match="frequency_penalty") as refused:
        await call.make()
    assert refused.value.code == "stored_setting_not_supported"
    assert "frequency_penalty: cannot be" in refused.value.message
    with pytest.raises(Invalid, match="seed"):
        await call.make(seed=1)
    assert call.upstream.requests == []
    assert await call.make(frequency_penalty=0)


async def test_a_large_request_is_translated_too(installation: Installation) -> None:
    call = Call(installation, await registering(installation), FakeUpstream(TEXT.body))
    words = "many words " * (LARGE_BODY_BYTES // 8)
    await call.make(messages=[{"role": "user", "content": words}])
    sent = json.loads(call.upstream.requests[0].body)
    assert sent["messages"][0]["content"][0]["text"] == words


async def test_a_stream_that_is_cut_has_said_what_came_and_has_no_end(
    installation: Installation,
) -> None:
    who = await registering(installation)
    for count in range(1, len(TEXT.events)):
        call = Call(installation, who, FakeUpstream(b"".join(TEXT.events[:count])))
        with pytest.raises(UpstreamBroken):
            await call.make(stream=True)
        assert b"[DONE]" not in call.answer.body
        assert not call.answer.is_whole
        assert TEXT.answer["content"].startswith(call.heard)
        assert all(chunk["choices"][0]["finish_reason"] is None for chunk in call.chunks)


async def test_a_stream_that_fails_has_said_what_came_before_in_the_same_piece(
    installation: Installation,
) -> None:
    upstream = FakeUpstream(b"".join(TEXT.events[:5]) + OVERLOADED)
    call = Call(installation, await registering(installation), upstream)
    with pytest.raises(UpstreamRefused) as failed:
        await call.make(stream=True)
    assert call.heard == "Grüße from a pier."
    assert (failed.value.status, failed.value.message) == (
        503,
        "The upstream answered with status 529. It said: ****",
    )
    assert call.usage.tokens == TokensUsed(input_tokens=21, output_tokens=1)


@pytest.mark.parametrize(
    "pieces", [[b""], [b"{}"], [b"<html>"], [OVERLOADED], [b": nothing\n\n"]], ids=ascii
)
async def test_a_stream_that_fails_before_its_first_event_has_not_begun(
    installation: Installation, pieces: list[bytes]
) -> None:
    call = Call(installation, await registering(installation), FakeUpstream(*pieces))
    with pytest.raises(UpstreamError):
        await call.make(stream=True)
    assert call.answer.status == 0


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", TEXT.body[:-1], *TEXT.events[:1]])
async def test_a_body_that_is_no_answer_is_the_upstreams_fault(
    installation: Installation, body: bytes
) -> None:
    call = Call(installation, await registering(installation), FakeUpstream(body))
    with pytest.raises(UpstreamBroken):
        await call.make()
    assert call.answer.status == 0


async def test_an_error_is_read_in_the_upstreams_own_shape(installation: Installation) -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"too long"}}'
    call = Call(installation, await registering(installation), FakeUpstream(body, status=400))
    with pytest.raises(UpstreamRefused, match="too long") as refused:
        await call.make()
    assert (refused.value.status, refused.value.code) == (400, "invalid_request_error")


async def test_another_endpoint_is_asked_at_its_own_url(installation: Installation) -> None:
    upstream = FakeUpstream(TEXT.body)
    upstream.outcomes["a.example"] = [FakeExchange(529, [], [b""])]
    who = await registering(installation, endpoints=(HERE, THERE))
    call = Call(installation, who, upstream)
    await call.make()
    assert [request.target for request in upstream.requests] == [
        b"/v1/messages?beta=true",
        b"/proxy/messages",
    ]
    assert upstream.requests[0].body == upstream.requests[1].body
    assert call.usage.attempts == 2


async def test_another_endpoint_is_asked_where_one_declines_within_its_stream(
    installation: Installation,
) -> None:
    upstream = FakeUpstream(*TEXT.events)
    upstream.outcomes["a.example"] = [FakeExchange(200, [], [OVERLOADED])]
    call = Call(installation, await registering(installation, endpoints=(HERE, THERE)), upstream)
    await call.make(stream=True)
    assert call.heard == TEXT.answer["content"]
    assert call.usage.path == ["1=200", "1=529", "2=200"]


async def test_nobody_else_is_asked_when_an_answer_has_begun(installation: Installation) -> None:
    upstream = FakeUpstream(*TEXT.events)
    upstream.outcomes["a.example"] = [FakeExchange(200, [], [TEXT.events[0], OVERLOADED])]
    call = Call(installation, await registering(installation, endpoints=(HERE, THERE)), upstream)
    with pytest.raises(UpstreamRefused):
        await call.make(stream=True)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_credential_that_is_quoted_is_covered_however_it_is_spelled(
    installation: Installation, *, stream: bool
) -> None:
    spelled = "".join(f"\\u{ord(character):04x}" for character in SECRET).encode()
    pieces = [TEXT.body] if not stream else [b"".join(TEXT.events)]
    quoted = pieces[0].replace(b" from a pier.", b" " + spelled)
    call = Call(installation, await registering(installation), FakeUpstream(quoted))
    await call.make(stream=stream)
    assert SECRET.encode() not in call.answer.body
    assert b"*" * len(SECRET) in call.answer.body


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("style", "content"),
    [
        (ReasoningFormat.HIDDEN, ""),
        (ReasoningFormat.RAW, "<think>They want rain data; ask the tool.</think>"),
    ],
)
async def test_thoughts_go_where_the_llm_has_them(
    installation: Installation, style: ReasoningFormat, content: str, *, stream: bool
) -> None:
    who = await registering(installation, reasoning_format=style)
    pieces = THOUGHT.events if stream else [THOUGHT.body]
    call = Call(installation, who, FakeUpstream(*pieces))
    said = await call.make(THOUGHT, stream=stream)
    assert (call.heard if stream else said["choices"][0]["message"]["content"] or "") == content
    assert b"reasoning_content" not in call.answer.body
    assert b"reasoning_details" not in call.answer.body
    assert b"toolu_D4" in call.answer.body
