"""Anthropic's own SDK knows what is sent, and what the transcripts say is answered."""

import json

import pytest
from pydantic import ValidationError

from tests.protocols.anthropic_sdk import ANSWER, EVENT, check_request
from tests.protocols.transcripts import TRANSCRIPTS, Transcript

every_transcript = pytest.mark.parametrize(
    "transcript",
    [each for each in TRANSCRIPTS if each.protocol == "anthropic"],
    ids=lambda transcript: transcript.name,
)


@every_transcript
def test_the_sdk_could_have_sent_it(transcript: Transcript) -> None:
    wire = transcript.format.encode(transcript.chat, transcript.configuration, transcript.url)
    check_request(json.loads(wire.body))


@every_transcript
def test_the_sdk_knows_the_answer(transcript: Transcript) -> None:
    ANSWER.validate_python(transcript.whole)
    for event in transcript.stream:
        if event["type"] != "ping":  # which the SDK passes over before it looks
            EVENT.validate_python(event)


@pytest.mark.parametrize("odd", [{"n": 1}, {"tools": [{"name": 1}]}, {"messages": [{"role": "x"}]}])
def test_the_sdk_knows_what_is_no_request(odd: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        check_request(TRANSCRIPTS[0].sent | odd)
