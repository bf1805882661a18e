"""What differs between models and versions of the API is said to each as it takes it."""

from typing import Any

import pytest

from dragoman.domain.errors import NotCallable
from dragoman.domain.llm import Capability, Known, Provenance, ReasoningFormat
from dragoman.protocols import anthropic
from tests.protocols.test_anthropic_encoding import URL, USER, refused, sent, tool
from tests.protocols.transcripts import chat_of, configured

NO_SAMPLING = {Capability.SAMPLING_PARAMETERS: Known(supported=False, provenance=Provenance.PROBED)}

BUDGET, ADAPTIVE, NEVER = "claude-opus-4-5", "claude-opus-5-5", "claude-3-5-sonnet-latest"
EFFORTS: list[tuple[str, str, int | None, dict[str, Any]]] = [
    (BUDGET, "minimal", None, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    (BUDGET, "medium", 20000, {"thinking": {"type": "enabled", "budget_tokens": 10000}}),
    (BUDGET, "max", 1025, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    (BUDGET, "none", None, {"thinking": {"type": "disabled"}}),
    (
        ADAPTIVE,
        "minimal",
        5,
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
    ),
    (ADAPTIVE, "max", None, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
    (ADAPTIVE, "none", None, {"thinking": {"type": "disabled"}}),
    (NEVER, "none", None, {}),
]


@pytest.mark.parametrize(("model", "effort", "limit", "members"), EFFORTS)
def test_how_much_to_think_fits_the_model_and_the_limit(
    model: str, effort: str, limit: int | None, members: dict[str, Any]
) -> None:
    body = sent({"model": model}, reasoning_effort=effort, max_tokens=limit)
    found = {name: body[name] for name in ("thinking", "output_config") if name in body}
    assert found == members
    budget = found.get("thinking", {}).get("budget_tokens", 0)
    assert budget < body["max_tokens"]


@pytest.mark.parametrize(
    ("model", "asked", "names"),
    [
        (BUDGET, {"max_tokens": 1024}, ["reasoning_effort"]),
        (BUDGET, {"temperature": 0.5}, ["temperature"]),
        (BUDGET, {"top_k": 5, "top_p": 0.5}, ["top_k", "top_p"]),
        (BUDGET, {"tools": [tool("f")], "tool_choice": "required"}, ["tool_choice"]),
        (NEVER, {}, ["reasoning_effort"]),
    ],
)
def test_what_cannot_be_had_together_with_thinking_is_refused(
    model: str, asked: dict[str, Any], names: list[str]
) -> None:
    assert refused({"model": model}, reasoning_effort="low", **asked) == names


def test_thinking_leaves_a_plain_temperature_and_a_high_top_p_alone() -> None:
    body = sent({"model": BUDGET}, reasoning_effort="low", temperature=1, top_p=0.97)
    assert (body["temperature"], body["top_p"]) == (1, 0.97)


@pytest.mark.parametrize("style", [ReasoningFormat.PARSED, ReasoningFormat.RAW])
@pytest.mark.parametrize("model", [BUDGET, ADAPTIVE])
def test_thoughts_that_are_to_be_shown_are_asked_for(style: ReasoningFormat, model: str) -> None:
    body = sent({"model": model, "reasoning_format": style}, reasoning_effort="low")
    assert body["thinking"]["display"] == "summarized"


@pytest.mark.parametrize(
    "llm", [{"api_version": "2026-10-21"}, {"capabilities": NO_SAMPLING}], ids=["version", "model"]
)
def test_sampling_is_refused_where_version_or_model_have_none(llm: dict[str, Any]) -> None:
    names = ["temperature", "top_p", "top_k"]
    assert refused(llm, temperature=0.5, top_p=1, top_k=1) == names
    assert sent(llm) == sent()


def test_the_version_of_the_api_is_the_llms_own() -> None:
    chat = chat_of({"messages": [USER]})
    for api_version, header in ((None, b"2023-06-01"), ("2026-10-21", b"2026-10-21")):
        wire = anthropic.encode(chat, configured("anthropic", api_version=api_version), URL)
        assert wire.headers == ((b"anthropic-version", header),)


@pytest.mark.parametrize("text", ["2026-10-21\r\nx: y", "v1", "2026-10-2\uff11", ""])
def test_a_version_that_is_no_date_is_not_sent(text: str) -> None:
    with pytest.raises(NotCallable, match="API version"):
        sent({"api_version": text})


LIMITS = [
    ("claude-3-haiku-20240307", 4096),
    ("claude-3-5-sonnet-20241022", 8192),
    ("claude-opus-5-5", 8192),
    ("tiny", 8192),
]


@pytest.mark.parametrize(("model", "limit"), LIMITS)
def test_a_limit_is_sent_where_nobody_names_one(model: str, limit: int) -> None:
    assert sent({"model": model})["max_tokens"] == limit
    assert sent({"model": model}, max_tokens=7)["max_tokens"] == 7


SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}


@pytest.mark.parametrize(
    ("model", "has_schemas"),
    [
        ("claude-sonnet-4-5", True),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", True),
        ("claude-opus-4-1@20250805", True),
        ("claude-haiku-5-5", True),
        ("tiny", True),
        ("claude-opus-4-20250514", False),
        ("claude-sonnet-4@20250514", False),
        ("anthropic.claude-opus-4-20250514-v1:0", False),
        ("claude-opus-4-0", False),
        ("claude-3-7-sonnet-latest", False),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", False),
        ("claude-2.1", False),
    ],
)
def test_a_schema_is_sent_to_models_that_keep_to_one(model: str, *, has_schemas: bool) -> None:
    if has_schemas:
        body = sent({"model": model}, response_format=SCHEMA)
        format_ = {"type": "json_schema", "schema": {"type": "object"}}
        assert body["output_config"] == {"format": format_}
    else:
        assert refused({"model": model}, response_format=SCHEMA) == ["response_format.type"]
