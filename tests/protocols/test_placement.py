"""Which header carries the credential: no wire format is forgotten, and none uses the URL."""

import pytest

from dragoman.domain.credential import GoogleAdc, SecretReference
from dragoman.domain.llm import ProtocolName
from dragoman.protocols.placement import placement

HEADERS = {
    ProtocolName.OPENAI: "Authorization: Bearer ",
    ProtocolName.OPENAI_RESPONSES: "Authorization: Bearer ",
    ProtocolName.AZURE_OPENAI: "api-key: ",
    ProtocolName.GROQ_OPENAI: "Authorization: Bearer ",
    ProtocolName.GEMINI: "x-goog-api-key: ",
    ProtocolName.VERTEX_AI: "Authorization: Bearer ",
    ProtocolName.ANTHROPIC: "x-api-key: ",
    ProtocolName.CUSTOM: "Authorization: Bearer ",
    ProtocolName.DASHSCOPE_TEXT: "Authorization: Bearer ",
    ProtocolName.DASHSCOPE_MULTIMODAL: "Authorization: Bearer ",
    ProtocolName.ADVANCED_VOICE: "Authorization: Bearer ",
    ProtocolName.DASHSCOPE_TEXT: "Authorization: Bearer ",
    ProtocolName.DASHSCOPE_MULTIMODAL: "Authorization: Bearer ",
    ProtocolName.NONE: "Authorization: Bearer ",
}


@pytest.mark.parametrize("protocol", ProtocolName)
def test_where_each_wire_format_carries_the_credential(protocol: ProtocolName) -> None:
    place = placement(protocol)
    assert f"{place.header}: {place.prefix}" == HEADERS[protocol]


@pytest.mark.parametrize("protocol", ProtocolName)
def test_an_access_token_is_a_bearers_and_a_key_of_the_operators_is_a_key(
    protocol: ProtocolName,
) -> None:
    assert placement(protocol, GoogleAdc()) == placement(ProtocolName.OPENAI)
    assert placement(protocol, SecretReference("env://KEY")) == placement(protocol)
