"""Who may do what: roles, owners, organizations, and the operator's own LLMs."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from dragoman.domain.llm import LLM
from dragoman.storage.unit_of_work import SqlStore
from tests.dialects.anam.answers import error, shown
from tests.dialects.anam.tenants import (
    LLMS,
    OPENAI_URL,
    SOME_ID,
    Tenant,
    an_llm,
    platform_llm,
    with_store,
)

ROLES = """
role     whose    list  create  get  put  delete
admin    own      200   201     200  200  204
admin    other's  200   201     200  200  204
editor   own      200   201     200  200  204
editor   other's  200   201     200  403  403
viewer   other's  200   403     200  403  403
caller   other's  200   403     403  403  403
"""
TABLE = [line.split() for line in ROLES.strip().splitlines()[1:]]


@pytest.mark.parametrize(
    ("role", "whose", "statuses"), [(row[0], row[1], row[2:]) for row in TABLE]
)
def test_a_role_may_do_what_the_table_says(
    tenant: Tenant, llms: str, role: str, whose: str, statuses: list[str]
) -> None:
    owner = tenant.keys[role] if whose == "own" else tenant.another_key("editor")
    llm = shown(tenant.client_of(owner).post(llms, json=an_llm()), 201)
    client, path = tenant.client(role), f"{llms}/{llm['id']}"

    answers = [
        client.get(llms),
        client.post(llms, json=an_llm(displayName="made")),
        client.get(path),
        client.put(path, json={"displayName": "After"}),
        client.delete(path),
    ]

    assert [str(answer.status_code) for answer in answers] == statuses
    for answer in answers:
        if answer.status_code == 403:
            error(answer, 403)
    left = {found["displayName"] for found in shown(tenant.client().get(llms))["data"]}
    assert ("made" in left) == (statuses[1] == "201")
    assert (llm["displayName"] in left) == (statuses[4] == "403")


def test_a_refusal_says_what_the_key_may_not_do(tenant: Tenant) -> None:
    path = f"{LLMS}/{shown(tenant.client().post(LLMS, json=an_llm()), 201)['id']}"
    viewer, caller, editor = (tenant.client(role) for role in ("viewer", "caller", "editor"))
    assert [
        error(viewer.post(LLMS, json=an_llm()), 403),
        error(viewer.put(path, json={}), 403),
        error(viewer.delete(path), 403),
        error(caller.get(path), 403),
        error(editor.put(path, json={"displayName": "After"}), 403),
        error(editor.delete(path), 403),
    ] == [
        "This API key may not create LLMs.",
        "This API key may not update LLMs.",
        "This API key may not delete LLMs.",
        "This API key may not read LLMs.",
        "This API key may update only LLMs of its own.",
        "This API key may delete only LLMs of its own.",
    ]


def test_who_may_not_write_is_told_so_before_the_members_are_judged(tenant: Tenant) -> None:
    for body in ({}, {"displayName": 1}, an_llm(urls=[{"url": "ftp://x"}])):
        error(tenant.client("viewer").post(LLMS, json=body), 403)
        error(tenant.client("viewer").put(f"{LLMS}/{SOME_ID}", json=body), 403)


# --- Another organization ----------------------------------------------------------------------


def _all_but_the_request(answer: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"date", "x-request-id"}
    }
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("role", ["admin", "editor", "viewer", "caller"])
@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("GET", None),
        ("PUT", {}),
        ("PUT", {"displayName": "After"}),
        ("PUT", {"url": "https://evil.example/", "secret": "sk-theirs"}),
        ("PUT", {"displayName": ""}),
        ("DELETE", None),
    ],
)
def test_another_organizations_llm_is_not_there_just_like_one_that_never_was(
    tenant: Tenant, llms: str, role: str, method: str, body: Any
) -> None:
    with Tenant(tenant.dragoman) as other:
        theirs = shown(other.client().post(llms, json=an_llm()), 201)

        client = tenant.client(role)
        foreign = client.request(method, f"{llms}/{theirs['id']}", json=body)
        unknown = client.request(method, f"{llms}/{SOME_ID}", json=body)

        assert foreign.status_code in {403, 404}
        assert _all_but_the_request(foreign) == _all_but_the_request(unknown)
        assert shown(other.client().get(llms))["data"] == [theirs]
        assert [row.action for row in other.audit()] == ["llm.create"]


# --- The operator's LLMs -----------------------------------------------------------------------


@pytest.fixture
def platform(tenant: Tenant) -> Iterator[LLM]:
    """Put up an LLM of the operator's, as long as one test runs."""
    llm = platform_llm("The platform's GPT-4o")

    async def add(store: SqlStore) -> None:
        async with store.writing() as work:
            await work.llms.add(llm)

    async def remove(store: SqlStore) -> None:
        async with store.writing() as work:
            await work.llms.remove(llm)

    with_store(tenant.dragoman, add)
    yield llm
    with_store(tenant.dragoman, remove)


def test_a_platform_llm_is_shown_to_everybody_as_a_default_that_no_organization_made(
    tenant: Tenant, platform: LLM, llms: str
) -> None:
    for role in ("admin", "editor", "viewer"):
        assert shown(tenant.client(role).get(f"{llms}/{platform.id}")) == {
            "id": platform.id,
            "displayName": "The platform's GPT-4o",
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
            "isDefault": True,
            "isGlobal": True,
            "isZdr": False,
            "createdByOrganizationId": None,
            "createdAt": "2026-04-20T10:00:00.007Z",
            "updatedAt": None,
        }


def test_a_list_has_the_platforms_llms_unless_it_is_asked_without(
    tenant: Tenant, platform: LLM, llms: str
) -> None:
    own = shown(tenant.client().post(llms, json=an_llm(displayName="Our GPT-4o")), 201)["id"]

    def listed(**params: str) -> list[str]:
        page = shown(tenant.client("caller").get(llms, params=params))
        ids = [llm["id"] for llm in page["data"]]
        assert page["meta"]["total"] == len(ids)
        return ids

    assert listed() == [own, platform.id]
    assert listed(includeDefaults="true") == [own, platform.id]
    assert listed(includeDefaults="false") == [own]
    assert listed(search="gpt-4o") == [own, platform.id]
    assert listed(search="gpt-4o", includeDefaults="false") == [own]
    assert listed(search="the platform") == [platform.id]


@pytest.mark.parametrize("body", [{}, {"displayName": "After"}, {"displayName": ""}])
def test_nobody_changes_a_platform_llm(
    tenant: Tenant, platform: LLM, llms: str, body: dict[str, Any]
) -> None:
    path = f"{llms}/{platform.id}"
    before = shown(tenant.client().get(path))
    for role in ("admin", "editor", "viewer", "caller"):
        error(tenant.client(role).put(path, json=body), 403)
        error(tenant.client(role).delete(path), 403)
    assert error(tenant.client().put(path, json=body), 403) == (
        "This is a default LLM of the platform; nobody may update it here."
    )
    assert shown(tenant.client().get(path)) == before
    assert tenant.audit() == []
