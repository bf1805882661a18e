"""One probe: what is sent, which stage failed, what is measured, and that no secret is told."""

import json
from typing import NamedTuple

import pytest
from msgspec.structs import astuple

from dragoman.domain.errors import UpstreamBroken
from dragoman.domain.llm import ProtocolName, Provider, Sampling
from dragoman.gateway.probe_result import Probed, ProbeStage
from tests.fakes.upstream import FakeUpstream, sent_lines
from tests.gateway.probing import (
    CHAT,
    COMPLETION,
    EXTRA,
    SECRET,
    a_plan,
    a_prober,
    an_llm,
    probe,
)
from tests.registry.installation import NOON_MS, Installation
from tests.scripted_upstream import (
    Step,
    close,
    drip,
    read_request,
    send,
    serving,
    until_hung_up,
)
from tests.upstream.calling import answer


async def answered(installation: Installation, *steps: Step, timeout_ms: int = 20_000) -> Probed:
    """Probe an LLM whose server reads the request and then does this."""
    async with serving(read_request(), *steps) as upstream:
        return await probe(installation, upstream.url + CHAT, timeout_ms)


def refused(status: bytes, **error: object) -> bytes:
    return answer(json.dumps({"error": error}).encode(), status=status)


class Case(NamedTuple):
    """An answer, and what the probe makes of it."""

    wire: bytes
    status: int
    stage: ProbeStage
    says: str


ANSWERS = {
    "401": Case(
        refused(b"401 No", message=f"Incorrect API key provided: {SECRET}"),
        401,
        ProbeStage.AUTH,
        "It said: Incorrect API key provided: ****",
    ),
    "401 that quotes an extra header": Case(
        refused(b"401 No", message=f"Who is {EXTRA}?"), 401, ProbeStage.AUTH, "Who is ****?"
    ),
    "403": Case(answer(b"no", status=b"403 No"), 403, ProbeStage.AUTH, "does not allow"),
    "404": Case(
        refused(b"404 No", message="model 'tiny' not found"),
        404,
        ProbeStage.MODEL,
        "does not know this LLM's URL or model",
    ),
    "400 that names the member": Case(
        refused(b"400 No", message="no", param="model"), 400, ProbeStage.MODEL, "said: no"
    ),
    "400 with a code": Case(
        refused(b"400 No", message="no", code="model_not_found"), 400, ProbeStage.MODEL, "no"
    ),
    "400 in LiteLLM's words": Case(
        refused(b"400 No", message="chat: Invalid model name passed in model=tiny."),
        400,
        ProbeStage.MODEL,
        "Invalid model name",
    ),
    "400 in OpenRouter's words": Case(
        refused(b"400 No", message="tiny is not a valid model ID", code=400),
        400,
        ProbeStage.MODEL,
        "valid model ID",
    ),
    "400 about the length": Case(
        refused(b"400 No", message="This model's maximum context length is 8 tokens."),
        400,
        ProbeStage.ANSWER,
        "maximum context length",
    ),
    "400 about a member for this model": Case(
        refused(b"400 No", message="'temperature' does not support 0.2 with this model. Only 1."),
        400,
        ProbeStage.ANSWER,
        "temperature",
    ),
    "429": Case(refused(b"429 Slow", message="slow"), 429, ProbeStage.ANSWER, "slow"),
    "500": Case(answer(b"{}", status=b"500 Oh"), 500, ProbeStage.ANSWER, "status 500"),
    "a redirect": Case(
        answer(b"", status=b"307 Away", headers=b"location: http://a.test/\r\n"),
        307,
        ProbeStage.ANSWER,
        "never followed",
    ),
    "nothing": Case(
        b"HTTP/1.1 204 None\r\n\r\n", 204, ProbeStage.ANSWER, "carries no whole answer"
    ),
    "a compressed answer": Case(
        answer(b"x", headers=b"content-encoding: gzip\r\n"), 200, ProbeStage.ANSWER, "compressed"
    ),
    "no HTTP": Case(f"SSH-2.0-{SECRET}\r\n".encode(), 0, ProbeStage.ANSWER, ""),
    "half an answer": Case(
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", 200, ProbeStage.ANSWER, ""
    ),
    "too large an answer": Case(
        answer(b" " * 1_048_577), 200, ProbeStage.ANSWER, "more than 1048576 bytes"
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_that_is_none_names_its_stage_and_no_secret(
    installation: Installation, name: str
) -> None:
    case = ANSWERS[name]
    probed = await answered(installation, send(case.wire), close())
    assert probed.failure is not None
    assert (probed.ok, probed.status) == (False, case.status)
    assert (probed.failure.stage, probed.failure.is_timeout) == (case.stage, False)
    assert case.says in probed.failure.message
    assert SECRET not in repr(probed)
    assert EXTRA not in repr(probed)


@pytest.mark.parametrize(
    ("wire", "status", "notes"),
    [
        (answer(COMPLETION), 200, {}),
        (answer(COMPLETION, status=b"201 Made"), 201, {}),
        (answer(b"<html>"), 200, {"answer": "not a chat completion"}),
        (answer(b'{"choices":1}'), 200, {"answer": "not a chat completion"}),
        (
            refused(b"400 No", message="max_tokens or model output limit was reached. Try again."),
            400,
            {},
        ),
    ],
)
async def test_an_answer_in_time_is_well_and_says_if_it_is_an_odd_one(
    installation: Installation, wire: bytes, status: int, notes: dict[str, str]
) -> None:
    probed = await answered(installation, send(wire))
    assert (probed.ok, probed.status, probed.notes) == (True, status, notes)


async def test_a_failure_on_the_way_is_told_without_secrets_whoever_words_it(
    installation: Installation,
) -> None:
    who, upstream = await installation.acting(), FakeUpstream()
    llm = await an_llm(installation, who)
    upstream.outcomes["one.example"] = [UpstreamBroken(f"It said {SECRET}, and {EXTRA}.")]
    probed = await a_prober(installation, upstream).once(who, a_plan(llm))
    assert probed.failure is not None
    assert probed.failure.message == "It said ****, and ****."


async def test_what_the_upstream_says_about_the_request_is_noted_without_secrets(
    installation: Installation,
) -> None:
    headers = b"x-request-id: r-1\r\nretry-after: 7\r\nx-ratelimit-left: 3\r\nserver: x\r\n"
    headers += b"x-ratelimit-key: is " + SECRET.encode() + b"\r\n"
    headers += b"X-RateLimit-" + SECRET.upper().encode() + b": 4\r\n"
    headers += b"x-ratelimit-" + EXTRA.encode() + b"-left: 5\r\n"
    probed = await answered(installation, send(answer(COMPLETION, headers=headers)))
    assert probed.notes == {"x-request-id": "r-1", "retry-after": "7", "x-ratelimit-left": "3"}


@pytest.mark.parametrize(
    "steps",
    [
        (until_hung_up(),),
        (send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"), drip(b"x" * 9, 0.05)),
        (send(b"HTTP/1.1 500 Oh\r\ncontent-length: 9\r\n\r\n"), until_hung_up()),
    ],
    ids=["no answer", "an answer that drips", "half an error"],
)
async def test_an_answer_that_is_too_slow_fails_at_the_answer(
    installation: Installation, steps: tuple[Step, ...]
) -> None:
    probed = await answered(installation, *steps, timeout_ms=200)
    assert probed.failure is not None
    assert probed.failure.stage is ProbeStage.ANSWER
    assert 200_000_000 <= probed.rtt_ns < 2_000_000_000
    assert probed.bytes_sent > 0
    assert probed.failure.is_timeout is (probed.status != 500)


async def test_the_smallest_call_there_is_goes_the_way_of_every_call(
    installation: Installation,
) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    llm = await an_llm(
        installation,
        who,
        provider=Provider.VLLM,
        sampling=Sampling(temperature=0.5, max_tokens=900),
    )
    probed = await a_prober(installation, upstream).once(who, a_plan(llm, text="hé", timeout_ms=70))
    [request] = upstream.requests
    assert json.loads(request.body) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "hé"}],
        "temperature": 0.5,
        "max_tokens": 1,
    }
    assert dict(sent_lines(request)) == {
        b"content-type": b"application/json",
        b"accept-encoding": b"identity",
        b"user-agent": b"dragoman",
        b"cdn-loop": b"dragoman-test",
        b"x-team": EXTRA.encode(),
        b"authorization": b"Bearer " + SECRET.encode(),
    }
    assert request.carries_credential
    assert set(astuple(request.deadlines)) == {0.07}
    assert (probed.bytes_sent, probed.bytes_received) == (len(request.body), len(COMPLETION))
    assert (probed.seq, probed.url) == (1, "https://one.example/v1")


@pytest.mark.parametrize(
    ("url", "protocol", "member"),
    [
        ("https://api.openai.com/v1/chat/completions", "openai", "max_completion_tokens"),
        ("https://api.groq.com/openai/v1/chat/completions", "groq_openai", "max_completion_tokens"),
        ("https://vllm.example/v1/chat/completions", "custom", "max_tokens"),
    ],
)
async def test_one_token_is_asked_for_in_the_hosts_own_words(
    installation: Installation, url: str, protocol: str, member: str
) -> None:
    who, upstream = await installation.acting(), FakeUpstream(COMPLETION)
    llm = await an_llm(installation, who, url, protocol=ProtocolName(protocol))
    await a_prober(installation, upstream).once(who, a_plan(llm))
    body = json.loads(upstream.requests[0].body)
    assert {name: body[name] for name in body if "tokens" in name} == {member: 1}


async def test_times_are_in_order_and_of_the_installations_clock(
    installation: Installation,
) -> None:
    probed = await answered(installation, send(answer(COMPLETION)))
    assert probed.began_ns == NOON_MS * 1_000_000
    assert probed.began_ns < probed.answered_ns < probed.ended_ns
    assert probed.rtt_ns == probed.ended_ns - probed.began_ns
