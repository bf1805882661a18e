"""`PUT /v1/llms/{id}`, which changes the members that it names, and `DELETE`."""

from datetime import datetime
from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import error, problems, shown
from tests.dialects.anam.tenants import LLMS, OPENAI_URL, Tenant, an_llm, query

EVERYTHING = an_llm(
    displayName="Before",
    description="What it was.",
    urls=[{"url": OPENAI_URL, "region": "eu"}, {"url": f"{OPENAI_URL}?v=2"}],
    temperature=0.7,
    maxTokens=100,
    deploymentName="deployment",
    apiVersion="2024-10-21",
    metadata={"a": {"b": 1}},
    displayTags=["one", "two"],
    reasoningEffort="high",
    reasoningFormat="raw",
)


@pytest.fixture
def stored(admin: httpx2.Client) -> dict[str, Any]:
    """Register an LLM with every member."""
    registered: dict[str, Any] = shown(admin.post(LLMS, json=EVERYTHING), 201)
    return registered


def _without_update_time(llm: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in llm.items() if name != "updatedAt"}


@pytest.mark.parametrize(
    "change",
    [
        {"displayName": "After"},
        {"description": "What it is."},
        {"llmFormat": "custom"},
        {"modelName": "gpt-4o"},
        {"urls": [{"url": f"{OPENAI_URL}?v=2", "region": "us"}, {"url": OPENAI_URL}]},
        {"temperature": 0.5},
        {"maxTokens": 99},
        {"deploymentName": "other"},
        {"apiVersion": "2025-01-01"},
        {"metadata": {"a": {"c": 2}}},
        {"displayTags": ["two"]},
        {"reasoningEffort": "default"},
        {"reasoningFormat": "parsed"},
        {"displayName": "After", "temperature": 0, "metadata": {}, "displayTags": []},
    ],
    ids="+".join,
)
def test_an_update_changes_what_it_names_and_keeps_the_rest(
    admin: httpx2.Client, llms: str, stored: dict[str, Any], change: dict[str, Any]
) -> None:
    path = f"{llms}/{stored['id']}"

    updated = shown(admin.put(path, json=change))

    assert _without_update_time(updated) == _without_update_time(stored) | change
    assert datetime.fromisoformat(updated["updatedAt"]) >= datetime.fromisoformat(
        stored["createdAt"]
    )
    assert shown(admin.get(path)) == updated
    assert shown(admin.get(llms))["data"] == [updated]


def test_the_example_of_anams_own_documentation_is_an_update(
    admin: httpx2.Client, llms: str, stored: dict[str, Any]
) -> None:
    """Source: "update llm", whose example is this one member."""
    updated = shown(admin.put(f"{llms}/{stored['id']}", json={"temperature": 0.5}))
    assert updated["temperature"] == 0.5


def test_url_replaces_all_urls_by_one_without_a_region(
    admin: httpx2.Client, llms: str, stored: dict[str, Any]
) -> None:
    updated = shown(admin.put(f"{llms}/{stored['id']}", json={"url": OPENAI_URL}))
    assert updated["urls"] == [{"url": OPENAI_URL}]


def test_url_and_urls_together_are_refused(admin: httpx2.Client, stored: dict[str, Any]) -> None:
    path = f"{LLMS}/{stored['id']}"
    answer = admin.put(path, json={"url": OPENAI_URL, "urls": [{"url": OPENAI_URL}]})
    assert problems(answer) == [("url", "conflict")]
    assert shown(admin.get(path)) == stored


@pytest.mark.parametrize(
    ("member", "cleared"),
    [
        ("description", None),
        ("temperature", None),
        ("maxTokens", None),
        ("deploymentName", None),
        ("apiVersion", None),
        ("metadata", {}),
        ("displayTags", []),
    ],
)
def test_null_clears_a_member_that_may_be_empty(
    admin: httpx2.Client, stored: dict[str, Any], member: str, cleared: Any
) -> None:
    updated = shown(admin.put(f"{LLMS}/{stored['id']}", json={member: None}))
    assert _without_update_time(updated) == _without_update_time(stored) | {member: cleared}


@pytest.mark.parametrize("member", ["reasoningEffort", "reasoningFormat"])
def test_null_takes_a_reasoning_member_away(
    admin: httpx2.Client, stored: dict[str, Any], member: str
) -> None:
    updated = shown(admin.put(f"{LLMS}/{stored['id']}", json={member: None}))
    assert member not in updated
    assert set(stored) - set(updated) == {member}


@pytest.mark.parametrize(
    "member", ["displayName", "urls", "url", "llmFormat", "secret", "modelName"]
)
def test_null_is_refused_for_a_member_that_cannot_be_empty(
    admin: httpx2.Client, stored: dict[str, Any], member: str
) -> None:
    path = f"{LLMS}/{stored['id']}"
    answer = admin.put(path, json={"description": "changed", member: None})
    assert [path for path, _ in problems(answer)] == [member]
    assert shown(admin.get(path)) == stored


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"displayName": "Before", "metadata": {"a": {"b": 1}}, "displayTags": ["one", "two"]},
        {"unknown": 1, "enabled": False, "owner_id": "x", "display_name": "x", "tags": ["x"]},
        {
            "id": "01999999-0000-7000-8000-000000000000",
            "isDefault": True,
            "isGlobal": True,
            "isZdr": True,
            "createdAt": "1999-01-01T00:00:00.000Z",
            "updatedAt": "1999-01-01T00:00:00.000Z",
            "createdByOrganizationId": None,
        },
    ],
    ids=["nothing", "what is there", "unknown members", "what the server owns"],
)
def test_an_update_without_a_change_leaves_no_trace(
    tenant: Tenant, admin: httpx2.Client, stored: dict[str, Any], body: dict[str, Any]
) -> None:
    def rows() -> list[tuple[Any, ...]]:
        return query(tenant.dragoman, "SELECT * FROM llms WHERE id = ?", stored["id"])

    before = rows()
    updated = shown(admin.put(f"{LLMS}/{stored['id']}", json=body))
    assert updated == stored
    assert updated["updatedAt"] is None
    assert rows() == before
    assert [row.action for row in tenant.audit()] == ["llm.create"]


@pytest.mark.parametrize(
    ("old", "new"), [({"n": 1}, {"n": 1.0}), ({"n": 1}, {"n": True}), ({"n": 0}, {"n": False})]
)
def test_values_that_only_python_takes_for_equal_are_a_change(
    admin: httpx2.Client, old: dict[str, Any], new: dict[str, Any]
) -> None:
    llm_id = shown(admin.post(LLMS, json=an_llm(metadata=old)), 201)["id"]
    updated = shown(admin.put(f"{LLMS}/{llm_id}", json={"metadata": new}))
    assert repr(updated["metadata"]) == repr(new)
    assert updated["updatedAt"] is not None


def test_a_format_that_calls_an_upstream_needs_a_url_on_update_too(
    admin: httpx2.Client,
) -> None:
    record = shown(admin.post(LLMS, json=an_llm(llmFormat="none", urls=[], secret="")), 201)
    path = f"{LLMS}/{record['id']}"

    assert problems(admin.put(path, json={"llmFormat": "openai"})) == [("urls", "too_small")]

    assert shown(admin.get(path)) == record
    with_url = {"llmFormat": "openai", "url": OPENAI_URL}
    assert shown(admin.put(path, json=with_url))["urls"] == [{"url": OPENAI_URL}]


def test_a_deleted_llm_is_gone_at_once_and_for_good(
    tenant: Tenant, admin: httpx2.Client, llms: str
) -> None:
    registered = shown(admin.post(llms, json=an_llm()), 201)
    path = f"{llms}/{registered['id']}"

    deleted = admin.delete(path)

    assert deleted.status_code == 204
    assert deleted.content == b""
    assert "x-request-id" in deleted.headers
    for method in ("GET", "PUT", "DELETE"):
        body: dict[str, Any] | None = {} if method == "PUT" else None
        assert error(admin.request(method, path, json=body), 404) == (
            "There is no LLM with this id."
        )
    assert shown(admin.get(llms))["data"] == []
    assert query(tenant.dragoman, "SELECT id FROM llms WHERE id = ?", registered["id"]) == []
