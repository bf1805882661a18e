"""Registering an LLM through our own API: every member, dry runs, and being the only one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from dragoman.domain.llm import LLM
from dragoman.storage.unit_of_work import SqlStore
from tests.dialects.anam.answers import worker_of
from tests.dialects.anam.tenants import (
    SOME_ID,
    Tenant,
    clock,
    platform_llm,
    query,
    with_store,
)
from tests.dialects.dragoman.answers import LLMS, errors, problem, shown
from tests.dialects.dragoman.registrations import a_credential, an_llm

EVERYTHING: dict[str, Any] = {
    "display_name": "everything",
    "description": "all there is",
    "provider": "vllm",
    "protocol": "anthropic",
    "endpoints": [
        {"url": "https://one.example/v1/messages", "region": "eu"},
        {"base_url": "https://two.example/a", "path": "/b?c=d"},
    ],
    "model": "m",
    "deployment_name": "d",
    "api_version": "2026-11-01",
    "credential": {"kind": "api_key", "secret": "sk-everything"},
    "headers": {"X-Title": "avatars"},
    "sampling": {
        "temperature": 1,
        "max_tokens": 100.0,
        "top_p": 0.5,
        "top_k": 3,
        "frequency_penalty": -1,
        "presence_penalty": 1.5,
        "stop_sequences": ["stop"],
    },
    "reasoning": {"effort": "low", "format": "raw"},
    "capabilities": {"chat": True, "completion": False},
    "modalities": ["text", "image"],
    "max_context_length": 4096,
    "labels": {"env": "prod"},
    "tags": ["a", "b"],
    "metadata": {"a": {"b": [None, 1, 1.0, True]}},
    "client_config": {"c": None},
    "version": "7",
    "monitoring_endpoint": "https://monitor.example",
    "timeouts": {"connect_s": 1, "first_byte_s": 2.5, "idle_s": 3, "total_s": 4},
    "enabled": False,
}
SHOWN: dict[str, Any] = EVERYTHING | {
    "endpoints": [
        {
            "url": "https://one.example/v1/messages",
            "base_url": "https://one.example/v1",
            "path": "/messages",
            "region": "eu",
        },
        {
            "url": "https://two.example/a/b?c=d",
            "base_url": "https://two.example/a",
            "path": "/b?c=d",
            "region": None,
        },
    ],
    "credential": a_credential(header="x-api-key", prefix=""),
    "headers": {"x-title": "****"},
    "capability_provenance": {"chat": "declared", "completion": "declared"},
    "is_default": False,
    "is_platform": False,
    "zero_data_retention": False,
    "updated_at": None,
    "updated_by": None,
}


def test_every_member_comes_back_as_it_was_sent(tenant: Tenant, admin: httpx2.Client) -> None:
    created = admin.post(LLMS, json=EVERYTHING)
    llm = shown(created, 201)
    me = tenant.keys["admin"].principal

    assert {name: llm[name] for name in SHOWN} == SHOWN
    assert str(llm["metadata"]) == str(EVERYTHING["metadata"])
    assert (llm["organization_id"], llm["owner_id"]) == (tenant.organization_id, me.id)
    assert llm["created_by"] == me.id
    assert created.headers["location"] == f"{LLMS}/{llm['id']}"
    assert created.headers["etag"] == f'"{llm["revision"]}"'
    read = admin.get(created.headers["location"])
    assert read.content == created.content
    assert read.headers["etag"] == created.headers["etag"]
    own = shown(admin.get(LLMS, params={"include_platform": False}))
    assert own == {"items": [llm], "next_page_token": None}


def test_a_plain_registration_is_empty_in_all_that_was_not_said(admin: httpx2.Client) -> None:
    llm = shown(admin.post(LLMS, json=an_llm()), 201)
    nulls = ("description", "provider", "deployment_name", "credential", "client_config", "version")
    assert {llm[name] for name in nulls} == {None}
    assert llm["headers"] == llm["labels"] == llm["metadata"] == llm["capabilities"] == {}
    assert llm["tags"] == llm["modalities"] == []
    assert set(llm["timeouts"].values()) == {None}
    assert llm["enabled"] is True
    same = shown(admin.post(LLMS, json=an_llm(**dict.fromkeys(NULLABLE))), 201)
    ignored = {"id": "", "revision": 0, "created_at": ""}
    assert same | ignored == llm | ignored


NULLABLE = (
    *("description", "provider", "deployment_name", "api_version", "credential", "headers"),
    *("sampling", "reasoning", "capabilities", "modalities", "max_context_length", "labels"),
    *("tags", "metadata", "client_config", "version", "monitoring_endpoint", "timeouts"),
    *("id", "owner_id"),
)


@pytest.mark.parametrize(
    ("asked", "header", "prefix"),
    [
        ({}, "Authorization", "Bearer "),
        ({"header": None, "prefix": None}, "Authorization", "Bearer "),
        ({"header": "authorization"}, "authorization", "Bearer "),
        ({"header": "x-key"}, "x-key", ""),
        ({"header": "x-key", "prefix": "Key "}, "x-key", "Key "),
        ({"prefix": "Token "}, "Authorization", "Token "),
        ({"prefix": ""}, "Authorization", ""),
    ],
)
def test_a_credential_goes_where_it_is_said_to(
    admin: httpx2.Client, asked: dict[str, Any], header: str, prefix: str
) -> None:
    llm = shown(admin.post(LLMS, json=an_llm(credential={"secret": "sk-1"} | asked)), 201)
    assert llm["credential"] == a_credential(header=header, prefix=prefix)


def test_a_chosen_id_and_owner(tenant: Tenant, admin: httpx2.Client) -> None:
    editor, chosen = tenant.keys["editor"].principal, clock.new_id()
    llm = shown(admin.post(LLMS, json=an_llm(id=chosen, owner_id=editor.id)), 201)
    assert (llm["id"], llm["owner_id"]) == (chosen, editor.id)
    assert problem(admin.post(LLMS, json=an_llm(id=chosen)), 409) == "id_taken"
    assert errors(admin.post(LLMS, json=an_llm(owner_id=SOME_ID))) == [("owner_id", "not_found")]
    assert errors(admin.post(LLMS, json=an_llm(id="x", owner_id="y"))) == [
        ("id", "invalid_id"),
        ("owner_id", "invalid_id"),
    ]
    someone_elses = an_llm(owner_id=tenant.keys["admin"].principal.id)
    assert problem(tenant.client("editor").post(LLMS, json=someone_elses), 403) == "forbidden"


@pytest.fixture
def platform(tenant: Tenant) -> Iterator[LLM]:
    """Make an LLM for everybody; other tests find none."""
    llm = platform_llm(clock.new_id())

    async def seed(store: SqlStore) -> None:
        async with store.writing() as work:
            await work.llms.add(llm)

    async def remove(store: SqlStore) -> None:
        async with store.writing() as work:
            await work.llms.remove(llm)

    with_store(tenant.dragoman, seed)
    yield llm
    with_store(tenant.dragoman, remove)


def test_a_platform_llm_is_read_and_not_changed(platform: LLM, admin: httpx2.Client) -> None:
    path = f"{LLMS}/{platform.id}"
    assert shown(admin.get(path))["is_platform"] is True
    assert problem(admin.patch(path, json={"model": "x"}), 403) == "forbidden"
    assert problem(admin.delete(path), 403) == "forbidden"
    assert problem(admin.post(LLMS, json=an_llm(id=platform.id)), 409) == "id_taken"
    params = {"display_name": platform.configuration.display_name}
    assert len(shown(admin.get(LLMS, params=params))["items"]) == 1
    without = params | {"include_platform": "false"}
    assert shown(admin.get(LLMS, params=without))["items"] == []


def test_deleting(admin: httpx2.Client) -> None:
    path = f"{LLMS}/{shown(admin.post(LLMS, json=an_llm()), 201)['id']}"
    shown(admin.delete(path), 204)
    for answer in (admin.get(path), admin.delete(path), admin.patch(path, json={})):
        assert problem(answer, 404) == "not_found"


def _dump(tenant: Tenant) -> list[list[tuple[Any, ...]]]:
    """Read every table."""
    tables = query(tenant.dragoman, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    return [query(tenant.dragoman, f"SELECT * FROM {name}") for (name,) in sorted(tables)]  # noqa: S608


def test_a_dry_run_answers_in_full_and_leaves_no_trace(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    path = f"{LLMS}/{shown(admin.post(LLMS, json=EVERYTHING), 201)['id']}"
    before, read, dry = _dump(tenant), admin.get(path), {"dry_run": "true"}

    created = admin.post(LLMS, json=EVERYTHING, params=dry)
    assert {name: shown(created)[name] for name in SHOWN} == SHOWN
    assert not {"location", "etag"} & set(created.headers)
    patched = admin.patch(path, json={"model": "other", "labels": {"env": None}}, params=dry)
    assert (shown(patched)["model"], shown(patched)["labels"]) == ("other", {})
    assert "etag" not in patched.headers
    shown(admin.delete(path, params=dry), 204)

    assert _dump(tenant) == before
    assert admin.get(path).content == read.content
    taken = an_llm(id=shown(read)["id"])
    assert problem(admin.post(LLMS, json=taken, params=dry), 409) == "id_taken"
    assert errors(admin.post(LLMS, json=an_llm(model=""), params=dry)) == [("model", "too_small")]
    assert problem(admin.delete(f"{LLMS}/{SOME_ID}", params=dry), 404) == "not_found"


def test_a_name_and_a_connection_can_be_the_only_one(tenant: Tenant, admin: httpx2.Client) -> None:
    both = {"unique": ["name", "connection"]}
    first = shown(admin.post(LLMS, json=an_llm(), params=both), 201)
    again = admin.post(LLMS, json=an_llm(display_name="x"), params={"unique": "connection"})
    assert problem(again, 409) == "connection_taken"
    again = admin.post(LLMS, json=an_llm(model="x"), params={"unique": "name"})
    assert problem(again, 409) == "name_taken"
    second = shown(admin.post(LLMS, json=an_llm(display_name="two", model="two")), 201)
    path = f"{LLMS}/{second['id']}"
    same_name = admin.patch(path, json={"display_name": "my-llm"}, params={"unique": "name"})
    assert problem(same_name, 409) == "name_taken"
    same = admin.patch(path, json={"model": first["model"]}, params={"unique": "connection"})
    assert problem(same, 409) == "connection_taken"
    assert shown(admin.get(path)) == second
    elsewhere = an_llm(display_name="editor's")
    shown(tenant.client("editor").post(LLMS, json=elsewhere, params={"unique": "connection"}), 201)
    refused = admin.post(LLMS, json=an_llm(), params={"unique": "model"})
    assert errors(refused) == [("unique.0", "enum")]


def test_of_a_hundred_at_once_one_is_the_only_one(tenant: Tenant) -> None:
    def create(number: int) -> httpx2.Response:
        with tenant.dragoman.client(tenant.keys["admin"].text, verify=False) as client:
            body = an_llm(display_name=f"number {number}", credential={"secret": "sk-race"})
            return client.post(LLMS, json=body, params={"unique": "connection"})

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(create, range(100)))

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (1, 99), statuses
    assert {problem(each, 409) for each in answers if each.status_code == 409} == {
        "connection_taken"
    }
    assert len({worker_of(answer) for answer in answers}) == 2
    own = shown(tenant.client().get(LLMS, params={"include_platform": False}))
    assert len(own["items"]) == 1


def test_headers_are_counted_as_they_will_be(admin: httpx2.Client) -> None:
    twenty = {f"x-{number}": "v" for number in range(20)}
    llm = shown(admin.post(LLMS, json=an_llm(headers=twenty)), 201)
    path = f"{LLMS}/{llm['id']}"
    assert errors(admin.patch(path, json={"headers": {"x-20": "v"}})) == [("headers", "too_big")]
    after = shown(admin.patch(path, json={"headers": {"X-20": "v", "X-1": None}}))
    assert set(after["headers"]) == (set(twenty) | {"x-20"}) - {"x-1"}
    assert shown(admin.patch(path, json={"headers": None}))["headers"] == {}
    twice = an_llm(headers={"X-A": "v", "x-a": "v"})
    assert errors(admin.post(LLMS, json=twice)) == [("headers", "duplicate")]
