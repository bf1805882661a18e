"""What each member of an LLM may be; the same on create and on update."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import problems, shown
from tests.dialects.anam.tenants import LLMS, OPENAI_URL, an_llm

ACCEPTED: list[tuple[str, Any]] = [
    ("displayName", "n" * 255),
    ("displayName", "🦜" * 255),
    ("displayName", " Ünïcode\u2028\u202eé "),
    ("modelName", "m" * 255),
    ("description", ""),
    ("description", "d" * 10_000),
    ("deploymentName", "d" * 255),
    ("apiVersion", "v" * 255),
    ("temperature", 0.0),
    ("temperature", 2),
    ("maxTokens", 1),
    ("maxTokens", 2**31 - 1),
    ("metadata", {"": {"$ref": [[], {}]}}),
    ("metadata", {"m": "x" * (64 * 1024 - len('{"m":""}'))}),
    ("displayTags", ["a", "a", ""]),
    ("displayTags", ["t" * 255] * 100),
    ("urls", [{"url": OPENAI_URL, "region": f"region {n}"} for n in range(20)]),
    ("urls", [{"url": "https://api.openai.com/" + "p" * (2048 - 23)}]),
]

REFUSED: list[tuple[str, Any, str, str]] = [
    # member, value, path and code of the problem
    ("displayName", "", "displayName", "too_small"),
    ("displayName", " \t\n\u3000", "displayName", "too_small"),
    ("displayName", "n" * 256, "displayName", "too_big"),
    ("displayName", 7, "displayName", "string_type"),
    ("displayName", None, "displayName", "string_type"),
    ("modelName", "", "modelName", "too_small"),
    ("modelName", "m" * 256, "modelName", "too_big"),
    ("modelName", None, "modelName", "string_type"),
    ("llmFormat", "OpenAI", "llmFormat", "literal_error"),
    ("llmFormat", None, "llmFormat", "literal_error"),
    ("description", ["x"], "description", "string_type"),
    ("description", "d" * 10_001, "description", "too_big"),
    ("deploymentName", "d" * 256, "deploymentName", "too_big"),
    ("apiVersion", "v" * 256, "apiVersion", "too_big"),
    ("temperature", -0.1, "temperature", "out_of_range"),
    ("temperature", 2.01, "temperature", "out_of_range"),
    ("temperature", "0.7", "temperature", "float_type"),
    ("temperature", True, "temperature", "float_type"),
    ("temperature", 10**300, "temperature", "out_of_range"),
    ("maxTokens", 0, "maxTokens", "out_of_range"),
    ("maxTokens", 2**31, "maxTokens", "out_of_range"),
    ("maxTokens", 2**70, "maxTokens", "out_of_range"),
    ("maxTokens", 1.5, "maxTokens", "int_type"),
    ("maxTokens", True, "maxTokens", "int_type"),
    ("maxTokens", "5", "maxTokens", "int_type"),
    ("metadata", [], "metadata", "dict_type"),
    ("metadata", "{}", "metadata", "dict_type"),
    ("metadata", {"m": "x" * (64 * 1024 - len('{"m":""}') + 1)}, "metadata", "too_big"),
    ("displayTags", ["t"] * 101, "displayTags", "too_big"),
    ("displayTags", ["t" * 256], "displayTags", "too_big"),
    ("displayTags", "a", "displayTags", "list_type"),
    ("displayTags", ["a", 1], "displayTags.1", "string_type"),
    ("reasoningEffort", "maximal", "reasoningEffort", "literal_error"),
    ("reasoningFormat", 1, "reasoningFormat", "literal_error"),
    ("deploymentName", 1, "deploymentName", "string_type"),
    ("apiVersion", {}, "apiVersion", "string_type"),
    ("secret", None, "secret", "string_type"),
    ("secret", 12345, "secret", "string_type"),
    ("secret", "s" * 40_000, "secret", "invalid_secret"),
    ("urls", None, "urls", "list_type"),
    ("urls", {}, "urls", "list_type"),
    ("urls", [], "urls", "too_small"),
    ("urls", [OPENAI_URL], "urls.0", "model_attributes_type"),
    ("urls", [{"url": OPENAI_URL}, {"region": "eu"}], "urls.1.url", "missing"),
    ("urls", [{"url": OPENAI_URL, "region": 1}], "urls.0.region", "string_type"),
    ("urls", [{"url": OPENAI_URL, "region": "r" * 256}], "urls.0.region", "too_big"),
    ("urls", [{"url": OPENAI_URL}] * 21, "urls", "too_big"),
    ("urls", [{"url": "https://api.openai.com/" + "p" * 2026}], "urls.0.url", "invalid_url"),
]


@pytest.fixture
def stored(admin: httpx2.Client) -> dict[str, Any]:
    """Register an LLM to change."""
    registered: dict[str, Any] = shown(admin.post(LLMS, json=an_llm()), 201)
    return registered


@pytest.mark.parametrize(
    ("member", "value"), ACCEPTED, ids=[f"{row[0]} {row[1]!r:.30}" for row in ACCEPTED]
)
def test_a_member_is_stored_as_it_was_written(
    admin: httpx2.Client, stored: dict[str, Any], member: str, value: Any
) -> None:
    assert shown(admin.post(LLMS, json=an_llm(**{member: value})), 201)[member] == value
    path = f"{LLMS}/{stored['id']}"
    assert shown(admin.put(path, json={member: value}))[member] == value
    assert shown(admin.get(path))[member] == value


@pytest.mark.parametrize(
    ("member", "value", "path", "code"),
    REFUSED,
    ids=[f"{row[0]} {row[1]!r:.30}" for row in REFUSED],
)
def test_a_member_that_cannot_be_stored_is_named_and_nothing_is_changed(  # noqa: PLR0917  # a row
    admin: httpx2.Client, stored: dict[str, Any], member: str, value: Any, path: str, code: str
) -> None:
    assert problems(admin.post(LLMS, json=an_llm(**{member: value}))) == [(path, code)]
    answer = admin.put(f"{LLMS}/{stored['id']}", json={"description": "changed"} | {member: value})
    assert problems(answer) == [(path, code)]

    assert shown(admin.get(LLMS))["data"] == [stored]


@pytest.mark.parametrize("member", ["displayName", "llmFormat", "modelName", "secret", "urls"])
def test_a_member_that_create_needs_is_named_where_it_is_missing(
    admin: httpx2.Client, member: str
) -> None:
    body = an_llm()
    del body[member]
    assert problems(admin.post(LLMS, json=body)) == [(member, "missing")]


def test_everything_that_is_missing_is_named_at_once(admin: httpx2.Client) -> None:
    assert sorted(problems(admin.post(LLMS, json={}))) == [
        ("displayName", "missing"),
        ("llmFormat", "missing"),
        ("modelName", "missing"),
        ("secret", "missing"),
        ("urls", "missing"),
    ]


def test_everything_that_cannot_be_read_is_named_at_once(admin: httpx2.Client) -> None:
    answer = admin.post(LLMS, json=an_llm(temperature="x", maxTokens="x", urls=[{}, {"url": 1}]))
    assert sorted(problems(answer)) == [
        ("maxTokens", "int_type"),
        ("temperature", "float_type"),
        ("urls.0.url", "missing"),
        ("urls.1.url", "string_type"),
    ]


def test_everything_that_cannot_be_stored_is_named_at_once(admin: httpx2.Client) -> None:
    answer = admin.post(
        LLMS,
        json=an_llm(
            displayName="",
            modelName="",
            temperature=3,
            maxTokens=0,
            urls=[{"url": OPENAI_URL}, {"url": "ftp://files.example/"}],
            secret="****",
        ),
    )
    assert sorted(problems(answer)) == [
        ("displayName", "too_small"),
        ("maxTokens", "out_of_range"),
        ("modelName", "too_small"),
        ("secret", "invalid_secret"),
        ("temperature", "out_of_range"),
        ("urls.1.url", "invalid_url"),
    ]


def test_the_messages_are_sentences_for_whoever_wrote_the_request(admin: httpx2.Client) -> None:
    answer = admin.post(LLMS, json=an_llm(displayName=" ", temperature=3))
    assert answer.json() == {
        "error": "Validation error",
        "details": [
            {"path": "displayName", "message": "must not be empty", "code": "too_small"},
            {"path": "temperature", "message": "must be from 0 to 2", "code": "out_of_range"},
        ],
        "summary": "displayName: must not be empty; temperature: must be from 0 to 2",
    }
