"""Lists: pages that neither skip nor repeat, and filters."""

from typing import Any

import httpx2
import pytest

from dragoman.domain.page import MAX_PAGE_SIZE
from tests.dialects.anam.tenants import SOME_ID, Tenant
from tests.dialects.dragoman.answers import API, LLMS, errors, problem, shown
from tests.dialects.dragoman.registrations import an_llm


def _create(admin: httpx2.Client, **members: Any) -> str:
    return str(shown(admin.post(LLMS, json=an_llm(**members)), 201)["id"])


def _names(client: httpx2.Client, **params: Any) -> list[str]:
    asked = {"include_platform": "false"} | params
    items = shown(client.get(LLMS, params=asked))["items"]
    return [item["display_name"] for item in items]


def _all(client: httpx2.Client, path: str, **params: Any) -> list[str]:
    found: list[str] = []
    token = None
    while True:
        asked = params | ({"page_token": token} if token else {})
        page = shown(client.get(path, params=asked))
        assert len(page["items"]) <= params["page_size"]
        found += [item["id"] for item in page["items"]]
        token = page["next_page_token"]
        if token is None:
            return found


def test_pages_are_the_whole_list_newest_first(admin: httpx2.Client) -> None:
    ids = [_create(admin) for _ in range(7)]
    for page_size in (1, 2, 3, 7, 8, 200):
        found = _all(admin, LLMS, page_size=page_size, include_platform="false")
        assert found == sorted(ids, reverse=True)


def test_pages_neither_skip_nor_repeat_while_rows_come_and_go(admin: httpx2.Client) -> None:
    ids = [_create(admin) for _ in range(8)]
    newest_first = sorted(ids, reverse=True)
    seen: list[str] = []
    token = None
    for step in range(10):
        params: dict[str, Any] = {"page_size": 2, "include_platform": "false"}
        page = shown(admin.get(LLMS, params=params | ({"page_token": token} if token else {})))
        seen += [item["id"] for item in page["items"]]
        token = page["next_page_token"]
        if token is None:
            break
        _create(admin)
        if step == 0:
            shown(admin.delete(f"{LLMS}/{seen[-1]}"), 204)  # where the next page begins
            shown(admin.delete(f"{LLMS}/{newest_first[4]}"), 204)  # one that is still to come
    assert seen == [each for each in newest_first if each != newest_first[4]]


@pytest.mark.parametrize("noun", ["llms", "principals", "keys", "audit", "organizations"])
def test_every_list_has_pages(
    tenant: Tenant, admin: httpx2.Client, operators: httpx2.Client, noun: str
) -> None:
    client = operators if noun == "organizations" else admin
    if noun == "llms":
        for _ in range(3):
            _create(admin)
    limit = {"page_size": 200}
    whole = _all(client, f"{API}/{noun}", **limit)
    assert len(whole) >= 2
    assert _all(client, f"{API}/{noun}", page_size=1) == whole
    size = min(len(whole), MAX_PAGE_SIZE)
    first = shown(client.get(f"{API}/{noun}", params={"page_size": size}))
    assert (first["next_page_token"] is None) == (size == len(whole))


def _token(client: httpx2.Client, path: str = LLMS, **params: Any) -> str:
    token = shown(client.get(path, params={"page_size": 1} | params))["next_page_token"]
    assert isinstance(token, str)
    return token


def test_a_token_is_good_for_its_own_list_only(
    tenant: Tenant, other: Tenant, admin: httpx2.Client, operators: httpx2.Client
) -> None:
    for _ in range(3):
        _create(admin, labels={"env": "prod"})
        _create(other.client())
    token = _token(admin)
    for client, path, params in [
        (other.client(), LLMS, {}),
        (admin, LLMS, {"labels": "env=prod"}),
        (admin, LLMS, {"include_platform": "false"}),
        (admin, LLMS, {"search": "my"}),
        (admin, f"{API}/principals", {}),
        (operators, LLMS, {}),
    ]:
        answer = client.get(path, params=params | {"page_token": token})
        assert errors(answer) == [("page_token", "invalid_page_token")]
    keys = _token(admin, f"{API}/keys")
    of = {"page_token": keys, "organization_id": tenant.organization_id}
    assert errors(operators.get(f"{API}/keys", params=of)) == [("page_token", "invalid_page_token")]
    shown(admin.get(LLMS, params={"page_token": token, "page_size": 3}))
    shown(tenant.client("viewer").get(LLMS, params={"page_token": token}))


def test_a_token_of_all_is_no_use_to_whoever_sees_their_own(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    for _ in range(3):
        _create(admin)
    body = {"name": "own", "role": "editor", "permissions": ["llm:list:own"]}
    made = shown(admin.post(f"{API}/keys", json=body), 201)
    with tenant.dragoman.client(made["key"], verify=False) as client:
        assert _names(client) == []
        answer = client.get(LLMS, params={"page_token": _token(admin)})
    assert errors(answer) == [("page_token", "invalid_page_token")]


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 60, "====", "a b", "A" * 2049])
def test_what_is_no_token(admin: httpx2.Client, token: str) -> None:
    ((path, _),) = errors(admin.get(LLMS, params={"page_token": token}))
    assert path == "page_token"


def test_a_token_with_one_character_changed(admin: httpx2.Client) -> None:
    for _ in range(3):
        _create(admin)
    token = _token(admin)
    for at in range(0, len(token) - 1, 7):
        other = "A" if token[at] != "A" else "B"
        changed = token[:at] + other + token[at + 1 :]
        answer = admin.get(LLMS, params={"page_token": changed})
        assert errors(answer) == [("page_token", "invalid_page_token")]


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, ["c", "b", "a"]),
        ({"display_name": "a"}, ["a"]),
        ({"display_name": "A"}, []),
        ({"provider": "vllm"}, ["b"]),
        ({"protocol": "openai"}, ["c", "a"]),
        ({"model": "m2"}, ["b"]),
        ({"enabled": "false"}, ["c"]),
        ({"enabled": "true"}, ["b", "a"]),
        ({"is_default": "true"}, []),
        ({"zero_data_retention": "false"}, ["c", "b", "a"]),
        ({"search": "DESCR"}, ["b"]),
        ({"search": "100%"}, ["c"]),
        ({"search": "_"}, []),
        ({"labels": "env=prod"}, ["b", "a"]),
        ({"labels": "env=prod,tier in (1,2)"}, ["a"]),
        ({"labels": "!tier"}, ["c", "b"]),
        ({"labels": "env!=prod"}, ["c"]),
        ({"labels": "tier"}, ["a"]),
        ({"labels": "env notin (prod)", "enabled": "false"}, ["c"]),
        ({"owner_id": SOME_ID}, []),
        ({"model": "m1", "labels": "env=prod"}, ["a"]),
    ],
)
def test_filters(admin: httpx2.Client, params: dict[str, str], names: list[str]) -> None:
    _create(admin, display_name="a", model="m1", labels={"env": "prod", "tier": "1"})
    second = {"provider": "vllm", "description": "described", "labels": {"env": "prod"}}
    _create(admin, display_name="b", model="m2", protocol="custom", **second)
    _create(admin, display_name="c", model="100%", enabled=False)
    if params.get("model") == "m1":
        assert _names(admin, model="m1") == ["a"]
    assert _names(admin, **params) == names


def test_whose(tenant: Tenant, admin: httpx2.Client) -> None:
    _create(admin, display_name="mine")
    _create(tenant.client("editor"), display_name="theirs")
    assert _names(admin, owner_id=tenant.keys["editor"].principal.id) == ["theirs"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"page_size": "0"}, [("page_size", "greater_than_equal")]),
        ({"page_size": "201"}, [("page_size", "less_than_equal")]),
        ({"page_size": "1_0"}, [("page_size", "int_parsing")]),
        ({"page_size": "1.0"}, [("page_size", "int_parsing")]),
        ({"enabled": "1"}, [("enabled", "bool_parsing")]),
        ({"enabled": "True"}, [("enabled", "bool_parsing")]),
        ({"protocol": "x"}, [("protocol", "enum")]),
        ({"provider": "x"}, [("provider", "enum")]),
        ({"labels": "a=="}, []),
        ({"labels": "a=b="}, [("labels", "invalid_selector")]),
        ({"labels": ""}, [("labels", "invalid_selector")]),
        ({"search": "x" * 256}, [("search", "string_too_long")]),
        ({"search": "\0"}, [("search", "invalid_text")]),
        ({"display_name": "\0"}, [("display_name", "invalid_text")]),
        ({"colour": "red"}, [("colour", "unknown")]),
        ({"sk-1234": "x"}, [("", "unknown")]),
        (
            {"colour": "red", "page_size": "x"},
            [("colour", "unknown"), ("page_size", "int_parsing")],
        ),
    ],
)
def test_parameters_that_are_refused(
    admin: httpx2.Client, params: dict[str, str], found: list[tuple[str, str]]
) -> None:
    answer = admin.get(LLMS, params=params)
    if found:
        assert errors(answer) == found
    else:
        shown(answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "me"),
        ("POST", "llms"),
        ("GET", f"llms/{SOME_ID}"),
        ("PATCH", f"llms/{SOME_ID}"),
        ("DELETE", f"llms/{SOME_ID}"),
        ("GET", "organizations"),
        ("GET", "principals"),
        ("GET", f"keys/{SOME_ID}"),
        ("DELETE", f"keys/{SOME_ID}"),
        ("GET", "audit"),
    ],
)
def test_every_route_refuses_a_parameter_that_it_does_not_know(
    admin: httpx2.Client, method: str, path: str
) -> None:
    body: dict[str, Any] = {"json": an_llm()} if method in {"POST", "PATCH"} else {}
    answer = admin.request(method, f"{API}/{path}", params={"colour": "red"}, **body)
    assert errors(answer) == [("colour", "unknown")]


def test_a_page_of_nothing(other: Tenant) -> None:
    client = other.client()
    params = {"display_name": "nothing"}
    assert shown(client.get(LLMS, params=params)) == {"items": [], "next_page_token": None}
    assert problem(client.get(f"{API}/nothing"), 404) == "not_found"
