"""How values are read: as what they are, and as the texts that GoodMem's page shows."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from dragoman.dialects.goodmem.ping_schema import PingStream
from dragoman.dialects.goodmem.schema import (
    Capabilities,
    Credentials,
    LlmCreate,
    LlmUpdate,
    Sampling,
    SecretReference,
)

READ: list[tuple[type[Any], str, Any, Any]] = [
    (LlmUpdate, "maxContextLength", 32768, 32768),
    (LlmUpdate, "maxContextLength", 32768.0, 32768),
    (LlmUpdate, "maxContextLength", "32768", 32768),
    (LlmUpdate, "maxContextLength", "-1", -1),
    (Sampling, "maxTokens", "2048", 2048),
    (Sampling, "topK", "50", 50),
    (Sampling, "temperature", "0.7", 0.7),
    (Sampling, "temperature", 1, 1.0),
    (Sampling, "temperature", "1", 1.0),
    (Sampling, "topP", "9e-1", 0.9),
    (Sampling, "frequencyPenalty", "-0.0", 0.0),
    (Sampling, "presencePenalty", -0.0, 0.0),
    (Sampling, "stopSequences", ["\n\n", "END"], ["\n\n", "END"]),
    (Sampling, "stopSequences", '["\\n\\n", "END"]', ["\n\n", "END"]),
    (Capabilities, "supportsChat", True, True),
    (Capabilities, "supportsChat", "true", True),
    (Capabilities, "supportsStreaming", "false", False),
    (LlmUpdate, "replaceLabels", {"team": "ai"}, {"team": "ai"}),
    (LlmUpdate, "replaceLabels", '{"team": "ai"}', {"team": "ai"}),
    (LlmUpdate, "mergeLabels", "{}", {}),
]


@pytest.mark.parametrize(("model", "member", "sent", "read"), READ)
def test_a_value_is_read_as_what_it_says(
    model: type[Any], member: str, sent: object, read: object
) -> None:
    found = model.model_validate({member: sent}).model_dump(by_alias=True)[member]
    assert (type(found), repr(found)) == (type(read), repr(read))


NO_WHOLE: list[Any] = [
    True,
    1.5,
    "1.0",
    "",
    " 1",
    "1_0",
    "x",
    "007",
    "\N{ARABIC-INDIC DIGIT ONE}",
    [],
]
NO_NUMBER: list[Any] = [True, "", "1e999", "nan", "inf", ".5", "0x1", [1]]
NO_FLAG: list[Any] = [1, 0, "True", "yes", "", []]
NO_STOPS: list[Any] = ["END", '{"a": 1}', "[1]", '["a', [1]]
NO_LABELS: list[Any] = ["team=ai", "[]", '{"a": 1}', {"a": None}, '{"a": "b", "a": "c"}']
REFUSED: list[tuple[type[Any], str, Any]] = [
    *((LlmUpdate, "maxContextLength", sent) for sent in NO_WHOLE),
    *((Sampling, "temperature", sent) for sent in NO_NUMBER),
    *((Capabilities, "supportsChat", sent) for sent in NO_FLAG),
    *((Sampling, "stopSequences", sent) for sent in NO_STOPS),
    *((LlmUpdate, "replaceLabels", sent) for sent in NO_LABELS),
    (LlmUpdate, "clientConfig", '{"a": 1}'),
    (LlmUpdate, "supportedModalities", ["text"]),
    (LlmUpdate, "displayName", 1),
]


@pytest.mark.parametrize(("model", "member", "sent"), REFUSED)
def test_what_says_something_else_is_refused_and_not_repeated(
    model: type[Any], member: str, sent: object
) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({member: sent})
    assert "input_value" not in str(refused.value)


WITHOUT_END = dict.fromkeys(map(str, range(20_000)), 1)
ENDLESS: list[tuple[type[Any], str, Any]] = [
    (LlmCreate, "labels", WITHOUT_END),
    (LlmUpdate, "mergeLabels", json.dumps(WITHOUT_END)),
    (Credentials, "labels", WITHOUT_END),
    (SecretReference, "hints", WITHOUT_END),
    (PingStream, "labels", WITHOUT_END),
]


@pytest.mark.parametrize(("model", "member", "sent"), ENDLESS)
def test_a_map_without_end_is_one_problem_and_not_one_for_each_value(
    model: type[Any], member: str, sent: object
) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({member: sent})
    of_member = [each for each in refused.value.errors() if each["loc"][0] == member]
    assert [each["type"] for each in of_member] == ["too_long"]


def test_the_body_on_goodmems_own_page_is_read() -> None:
    read = LlmCreate.model_validate(
        {
            "displayName": "GPT-4 Turbo",
            "providerType": "OPENAI",
            "endpointUrl": "https://api.openai.com/v1",
            "modelIdentifier": "gpt-4-turbo-preview",
            "capabilities": {"supportsChat": "true", "supportsSamplingParameters": "true"},
            "defaultSamplingParams": {"maxTokens": "2048", "temperature": "0.7", "topP": "0.9"},
            "maxContextLength": "32768",
            "labels": '{"environment": "production"}',
        }
    )
    assert read.max_context_length == 32768
    assert read.labels == {"environment": "production"}
    sampling = read.default_sampling_params
    assert sampling is not None
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p) == (2048, 0.7, 0.9)
