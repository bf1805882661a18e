"""Whatever was registered through another dialect can be shown in this one."""

from typing import get_args

import pytest

from dragoman.dialects.anam.mapping import SHOWN_FORMATS
from dragoman.dialects.anam.schema import Format
from dragoman.domain.llm import ProtocolName


@pytest.mark.parametrize("protocol", ProtocolName)
def test_every_protocol_is_shown_as_a_format_that_anams_clients_know(
    protocol: ProtocolName,
) -> None:
    assert SHOWN_FORMATS[protocol] in get_args(Format)


def test_dashscopes_own_formats_are_shown_as_custom() -> None:
    dashscope = (ProtocolName.DASHSCOPE_TEXT, ProtocolName.DASHSCOPE_MULTIMODAL)
    assert {SHOWN_FORMATS[protocol] for protocol in dashscope} == {"custom"}
