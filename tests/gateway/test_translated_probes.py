"""An LLM of another format is probed in its own words."""

import json

import pytest

from dragoman.domain.errors import NotCallable
from dragoman.domain.llm import ProtocolName, ReasoningEffort, Sampling
from tests.fakes.upstream import FakeUpstream, sent_lines
from tests.gateway.probing import COMPLETION, a_plan, a_prober, an_llm
from tests.protocols.transcripts import of
from tests.registry.installation import Installation

URL = "https://one.example/v1/messages"
ANSWER = of("anthropic", "text").body


async def test_one_token_is_asked_for_in_the_upstreams_format(installation: Installation) -> None:
    who, upstream = await installation.acting(), FakeUpstream(ANSWER)
    llm = await an_llm(
        installation,
        who,
        URL,
        protocol=ProtocolName.ANTHROPIC,
        reasoning_effort=ReasoningEffort.HIGH,
        sampling=Sampling(max_tokens=5000, top_k=3),
    )
    probed = await a_prober(installation, upstream).once(who, a_plan(llm, text="Well?"))
    [request] = upstream.requests
    assert json.loads(request.body) == {
        "model": "tiny",
        "max_tokens": 1,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Well?"}]}],
        "top_k": 3,
    }
    assert dict(sent_lines(request))[b"anthropic-version"] == b"2023-06-01"
    assert request.target == b"/v1/messages"
    assert (probed.ok, probed.notes) == (True, {})
    assert probed.bytes_sent == len(request.body)


@pytest.mark.parametrize("body", [b"{}", COMPLETION, b"<html>"])
async def test_an_answer_of_another_format_is_noted(
    installation: Installation, body: bytes
) -> None:
    who, upstream = await installation.acting(), FakeUpstream(body)
    llm = await an_llm(installation, who, URL, protocol=ProtocolName.ANTHROPIC)
    probed = await a_prober(installation, upstream).once(who, a_plan(llm))
    assert probed.notes == {"answer": "not a chat completion"}


async def test_what_is_stored_and_cannot_be_sent_makes_no_probe(installation: Installation) -> None:
    who, upstream = await installation.acting(), FakeUpstream(ANSWER)
    sampling = Sampling(presence_penalty=1)
    llm = await an_llm(installation, who, URL, protocol=ProtocolName.ANTHROPIC, sampling=sampling)
    with pytest.raises(NotCallable, match="presence_penalty"):
        await a_prober(installation, upstream).once(who, a_plan(llm))
    assert upstream.requests == []
