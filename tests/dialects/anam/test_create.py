"""`POST /v1/llms`."""

import re
import time
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import problems, shown
from tests.dialects.anam.tenants import LLMS, OPENAI_URL, Tenant, an_llm, query

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def _taken_apart(created: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Give an LLM's id and time, which nobody can foretell, and all the rest."""
    rest = dict(created)
    return rest.pop("id"), rest.pop("createdAt"), rest


def test_an_llm_with_every_member_is_shown_with_every_member_but_its_secret(
    tenant: Tenant, admin: httpx2.Client, llms: str
) -> None:
    answer = admin.post(
        llms,
        json={
            "displayName": "Our GPT-4o",
            "description": "For the avatars.",
            "llmFormat": "azure_openai",
            "urls": [
                {"url": "https://eu.openai.azure.com/", "region": "eu"},
                {"url": "https://us.openai.azure.com/"},
            ],
            "modelName": "gpt-4o",
            "secret": "sk-test-secret",
            "temperature": 0.7,
            "maxTokens": 1024,
            "deploymentName": "our-gpt-4o",
            "apiVersion": "2024-10-21",
            "metadata": {"team": {"name": "avatars", "seats": [1, 2.5, None, True]}},
            "displayTags": ["azure", "fast"],
            "reasoningEffort": "low",
            "reasoningFormat": "hidden",
        },
    )

    llm_id, created_at, rest = _taken_apart(shown(answer, 201))
    assert UUID7.fullmatch(llm_id)
    assert TIMESTAMP.fullmatch(created_at)
    assert abs(datetime.fromisoformat(created_at).timestamp() - time.time()) < 60
    assert datetime.fromisoformat(created_at).tzinfo == UTC
    assert rest == {
        "displayName": "Our GPT-4o",
        "description": "For the avatars.",
        "llmFormat": "azure_openai",
        "urls": [
            {"url": "https://eu.openai.azure.com/", "region": "eu"},
            {"url": "https://us.openai.azure.com/"},
        ],
        "modelName": "gpt-4o",
        "temperature": 0.7,
        "maxTokens": 1024,
        "deploymentName": "our-gpt-4o",
        "apiVersion": "2024-10-21",
        "metadata": {"team": {"name": "avatars", "seats": [1, 2.5, None, True]}},
        "displayTags": ["azure", "fast"],
        "isDefault": False,
        "isGlobal": False,
        "isZdr": False,
        "reasoningEffort": "low",
        "reasoningFormat": "hidden",
        "createdByOrganizationId": tenant.organization_id,
        "updatedAt": None,
    }


def test_an_llm_with_the_least_members_has_the_others_empty_and_no_reasoning_members(
    tenant: Tenant, admin: httpx2.Client, llms: str
) -> None:
    answer = admin.post(
        llms,
        json={
            "displayName": "Least",
            "urls": [{"url": OPENAI_URL}],
            "llmFormat": "openai",
            "modelName": "gpt-4o",
            "secret": "sk-test-secret",
        },
    )

    assert list(shown(answer, 201)) == [
        "id",
        "displayName",
        "description",
        "llmFormat",
        "urls",
        "modelName",
        "temperature",
        "maxTokens",
        "deploymentName",
        "apiVersion",
        "metadata",
        "displayTags",
        "isDefault",
        "isGlobal",
        "isZdr",
        "createdByOrganizationId",
        "createdAt",
        "updatedAt",
    ]
    _, _, rest = _taken_apart(answer.json())
    assert rest == {
        "displayName": "Least",
        "description": None,
        "llmFormat": "openai",
        "urls": [{"url": OPENAI_URL}],
        "modelName": "gpt-4o",
        "temperature": None,
        "maxTokens": None,
        "deploymentName": None,
        "apiVersion": None,
        "metadata": {},
        "displayTags": [],
        "isDefault": False,
        "isGlobal": False,
        "isZdr": False,
        "createdByOrganizationId": tenant.organization_id,
        "updatedAt": None,
    }


def test_the_example_of_anams_own_documentation_is_accepted_with_its_temperature(
    admin: httpx2.Client, llms: str
) -> None:
    """Source: "create llm", example LlmCreate; its secret is the placeholder `sk-…`."""
    example = {
        "displayName": "My GPT-4o",
        "urls": [{"url": "https://api.openai.com/v1/chat/completions"}],
        "llmFormat": "openai",
        "modelName": "gpt-4o",
        "secret": "sk-…",
        "temperature": 0.7,
    }

    assert problems(admin.post(llms, json=example)) == [("secret", "invalid_secret")]
    created = shown(admin.post(llms, json=example | {"secret": "sk-test-secret"}), 201)
    assert created["displayName"] == "My GPT-4o"
    assert created["temperature"] == 0.7


def test_what_create_answers_is_what_get_shows(admin: httpx2.Client, llms: str) -> None:
    created = admin.post(llms, json=an_llm(temperature=1, metadata={"big": 2**70, "é": 1e16}))

    read = admin.get(f"{llms}/{created.json()['id']}")
    assert shown(read) == shown(created, 201)
    assert read.content == created.content


def test_url_is_another_spelling_of_urls_with_one_entry(admin: httpx2.Client, llms: str) -> None:
    body = an_llm(url=OPENAI_URL)
    del body["urls"]
    assert shown(admin.post(llms, json=body), 201)["urls"] == [{"url": OPENAI_URL}]


def test_url_and_urls_together_are_refused(admin: httpx2.Client, llms: str) -> None:
    answer = admin.post(llms, json=an_llm(url=OPENAI_URL))
    assert problems(answer) == [("url", "conflict")]


@pytest.mark.parametrize(
    "llm_format",
    [
        "openai",
        "azure_openai",
        "groq_openai",
        "gemini",
        "advanced_voice",
        "none",
        "anthropic",
        "custom",
    ],
)
def test_both_of_anams_lists_of_formats_are_accepted(admin: httpx2.Client, llm_format: str) -> None:
    created = shown(admin.post(LLMS, json=an_llm(llmFormat=llm_format)), 201)
    assert created["llmFormat"] == llm_format


def test_only_a_record_of_format_none_needs_no_url(admin: httpx2.Client) -> None:
    record = an_llm(llmFormat="none", urls=[], secret="")
    assert shown(admin.post(LLMS, json=record), 201)["urls"] == []
    assert problems(admin.post(LLMS, json=an_llm(urls=[]))) == [("urls", "too_small")]


def test_null_on_create_is_the_same_as_leaving_an_optional_member_out(
    admin: httpx2.Client,
) -> None:
    optional = (
        "description",
        "temperature",
        "maxTokens",
        "deploymentName",
        "apiVersion",
        "metadata",
        "displayTags",
        "reasoningEffort",
        "reasoningFormat",
    )
    created = shown(admin.post(LLMS, json=an_llm(**dict.fromkeys(optional))), 201)
    assert {name: created[name] for name in optional if name in created} == {
        "description": None,
        "temperature": None,
        "maxTokens": None,
        "deploymentName": None,
        "apiVersion": None,
        "metadata": {},
        "displayTags": [],
    }


def test_what_the_server_owns_and_what_it_does_not_know_is_ignored_and_never_stored(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    planted = {
        "id": "01999999-0000-7000-8000-000000000000",
        "isDefault": True,
        "isGlobal": True,
        "isZdr": True,
        "createdAt": "1999-01-01T00:00:00.000Z",
        "updatedAt": "1999-01-01T00:00:00.000Z",
        "createdByOrganizationId": "planted-organization",
        "ownerId": "planted-owner",
        "unknown": {"planted": "planted-unknown"},
    }
    body = an_llm(urls=[{"url": OPENAI_URL, "weight": "planted-weight"}], **planted)

    created = shown(admin.post(LLMS, json=body), 201)

    plain = shown(admin.post(LLMS, json=an_llm()), 201)
    assert _taken_apart(created)[2] == _taken_apart(plain)[2]
    assert created["id"] != planted["id"]
    assert created["createdAt"] > "2026"
    rows = query(
        tenant.dragoman, "SELECT * FROM llms WHERE organization_id = ?", tenant.organization_id
    )
    assert "planted" not in repr(rows)
    assert "1999" not in repr(rows)
