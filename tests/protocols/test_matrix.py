"""What each wire format can express is the table that is printed in docs/protocols.md.

A change of it is a diff of that file: `python -m tests.protocols.test_matrix` writes it anew.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dragoman.domain.errors import Invalid
from tests.protocols.transcripts import FORMATS, chat_of, configured

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocols.md"
BEGIN, END = "<!-- printed by tests/protocols/test_matrix.py -->\n", "<!-- end -->\n"

USER = {"role": "user", "content": "Hello"}
TOOL = {"type": "function", "function": {"name": "f", "strict": True}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
NAMED = {"type": "function", "function": {"name": "f"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}
SIGNED = {"type": "reasoning.text", "index": 0, "text": "t", "signature": "s"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}


def asking(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, *parts]}]}


def file(**members: str) -> dict[str, Any]:
    return asking({"type": "file", "file": members})


def image(url: str, **members: str) -> dict[str, Any]:
    return asking({"type": "image_url", "image_url": {"url": url, **members}})


FEATURES: Mapping[str, dict[str, Any]] = {
    "system and developer messages": {
        "messages": [
            {"role": "system", "content": "s"},
            USER,
            {"role": "developer", "content": "d"},
        ]
    },
    "names of participants": {"messages": [USER | {"name": "ada"}]},
    "images as data (PNG, JPEG, GIF, WebP)": image("data:image/png;base64,AA=="),
    "images by URL": image("https://a.example/b.png"),
    "images in low detail": image("https://a.example/b.png", detail="low"),
    "PDF files as data": file(file_data="data:application/pdf;base64,AA=="),
    "text files as data": file(file_data="data:text/plain;base64,eA=="),
    "files by id": file(file_id="file-1"),
    "audio": asking({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}),
    "tools, strict ones too": {"tools": [TOOL]},
    "parallel calls and their results, in any order": {
        "messages": [
            USER,
            {"role": "assistant", "tool_calls": [CALL, CALL | {"id": "d"}]},
            {"role": "tool", "tool_call_id": "d", "content": "r"},
            {"role": "tool", "tool_call_id": "c", "content": "r"},
        ]
    },
    "`tool_choice`: none": {"tools": [TOOL], "tool_choice": "none"},
    "`tool_choice`: required": {"tools": [TOOL], "tool_choice": "required"},
    "`tool_choice`: one function": {"tools": [TOOL], "tool_choice": NAMED},
    "`tool_choice`: allowed tools": {"tools": [TOOL], "tool_choice": ALLOWED},
    "`parallel_tool_calls`": {"tools": [TOOL], "parallel_tool_calls": False},
    "`response_format`: json_object": {"response_format": {"type": "json_object"}},
    "`response_format`: json_schema": {"response_format": SCHEMA},
    "`max_completion_tokens`, `max_tokens`": {"max_tokens": 2000},
    "`stop`": {"stop": ["x"]},
    "`temperature` up to 1, `top_p`, `top_k`": {"temperature": 1, "top_p": 0.9, "top_k": 5},
    "`temperature` above 1": {"temperature": 1.5},
    "`frequency_penalty`, `presence_penalty`": {"frequency_penalty": 1, "presence_penalty": 1},
    "`logit_bias`": {"logit_bias": {"1": 1}},
    "`logprobs`": {"logprobs": True},
    "`seed`": {"seed": 1},
    "`n` above 1": {"n": 2},
    "`reasoning_effort`": {"reasoning_effort": "medium"},
    "thoughts sent back with their signature": {
        "messages": [USER, {"role": "assistant", "content": "a", "reasoning_details": [SIGNED]}]
    },
    "`user`, `safety_identifier`": {"user": "u"},
    "members of OpenAI's own: `store`, `prediction`, …": {"store": True},
}

COLUMNS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "Anthropic: Claude 3.5": ("anthropic", {"model": "claude-3-5-sonnet-20241022"}),
    "Claude 4.5": ("anthropic", {"model": "claude-sonnet-4-5"}),
    "Claude 5.5, version 2026-10-21": (
        "anthropic",
        {"model": "claude-opus-5-5", "api_version": "2026-10-21"},
    ),
    "other models": ("anthropic", {"model": "tiny"}),
    "OpenAI, translated": ("openai_chat", {"model": "gpt-x"}),
}


def said(asked: dict[str, Any], protocol: str, llm: dict[str, Any]) -> str:
    """Say what becomes of a feature in one format."""
    wire_format, _, url = FORMATS[protocol]
    chat = chat_of({"messages": [USER], **asked})
    try:
        wire_format.encode(chat, configured(protocol, **llm), url)
    except Invalid:
        return "refused"
    return "yes"


def matrix() -> str:
    """Print the table."""
    lines = [f"| | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    for feature, asked in FEATURES.items():
        cells = [said(asked, *column) for column in COLUMNS.values()]
        lines.append(f"| {feature} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_what_each_format_can_express_is_what_the_documentation_says() -> None:
    _, _, rest = DOCUMENT.read_text().partition(BEGIN)
    printed, _, _ = rest.partition(END)
    assert printed == matrix()


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + BEGIN + matrix() + END + after)
