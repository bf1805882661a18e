"""Two tenants: what is one's is, to the other, exactly like what is not there."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import named
from tests.dialects.anam.tenants import SOME_ID, Tenant
from tests.dialects.dragoman.answers import API, LLMS, shown
from tests.dialects.dragoman.registrations import an_llm


@pytest.fixture
def things(other: Tenant) -> dict[str, str]:
    """Make one of everything in another organization, and name it."""
    llm = shown(other.client().post(LLMS, json=an_llm(credential={"secret": "sk-theirs"})), 201)
    return {
        "llms": llm["id"],
        "principals": other.keys["viewer"].principal.id,
        "keys": other.keys["viewer"].key.id,
        "organizations": other.organization_id,
    }


def _faceless(answer: httpx2.Response) -> tuple[Any, ...]:
    """Give all of an answer but what names the request and the moment."""
    text = answer.text.replace(named(answer), "req")
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"x-request-id", "date"}
    }
    return answer.status_code, headers, text


CALLS = [
    ("GET", "llms", None),
    ("PATCH", "llms", {"model": "x"}),
    ("PATCH", "llms", {"credential": {"secret": "****"}, "endpoints": []}),
    ("DELETE", "llms", None),
    ("GET", "principals", None),
    ("PATCH", "principals", {"name": "x"}),
    ("DELETE", "principals", None),
    ("GET", "keys", None),
    ("DELETE", "keys", None),
    ("GET", "organizations", None),
    ("PATCH", "organizations", {"name": "x"}),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
@pytest.mark.parametrize("role", ["admin", "editor"])
def test_what_is_another_ones_is_like_what_is_not_there(
    tenant: Tenant, things: dict[str, str], call: tuple[str, str, Any], role: str
) -> None:
    client, (method, noun, body) = tenant.client(role), call
    for headers in ({}, {"if-match": "*"}, {"if-none-match": "*"}, {"if-match": '"1"'}):
        theirs, nobodys = (
            client.request(method, f"{API}/{noun}/{id_}", json=body, headers=headers)
            for id_ in (things[noun], SOME_ID)
        )
        assert _faceless(theirs) == _faceless(nobodys)
        is_operators = (method, noun) == ("PATCH", "organizations")
        may_look = noun == "llms" or (role == "admin" and not is_operators)
        assert theirs.status_code == (404 if may_look else 403)


@pytest.mark.parametrize("noun", ["principals", "keys", "audit"])
def test_naming_another_organization_is_like_naming_none(
    admin: httpx2.Client, other: Tenant, noun: str
) -> None:
    theirs, nobodys = (
        admin.get(f"{API}/{noun}", params={"organization_id": id_})
        for id_ in (other.organization_id, SOME_ID)
    )
    assert theirs.status_code == 404
    assert _faceless(theirs) == _faceless(nobodys)


@pytest.mark.parametrize("noun", ["principals", "keys"])
def test_nothing_is_made_in_another_organization(
    admin: httpx2.Client, other: Tenant, noun: str
) -> None:
    theirs, nobodys = (
        admin.post(f"{API}/{noun}", json={"name": "x", "role": "viewer", "organization_id": id_})
        for id_ in (other.organization_id, SOME_ID)
    )
    assert theirs.status_code == 404
    assert _faceless(theirs) == _faceless(nobodys)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_naming_another_organization_for_one_thing(
    admin: httpx2.Client, other: Tenant, things: dict[str, str], method: str
) -> None:
    for noun in ("principals", "keys"):
        if (method, noun) == ("PATCH", "keys"):
            continue
        path = f"{API}/{noun}/{things[noun]}"
        body = {"name": "x"} if method == "PATCH" else None
        theirs, nobodys = (
            admin.request(method, path, json=body, params={"organization_id": id_})
            for id_ in (other.organization_id, SOME_ID)
        )
        assert theirs.status_code == 404
        assert _faceless(theirs) == _faceless(nobodys)


def test_lists_show_nothing_of_another_organization(
    tenant: Tenant, admin: httpx2.Client, other: Tenant, things: dict[str, str]
) -> None:
    owner = other.keys["admin"].principal.id
    for path, params in [
        ("llms", {}),
        ("llms", {"owner_id": owner}),
        ("llms", {"display_name": "my-llm"}),
        ("llms", {"search": "gpt"}),
        ("llms", {"labels": "!nothing"}),
        ("principals", {}),
        ("keys", {}),
        ("organizations", {}),
        ("audit", {}),
        ("audit", {"llm_id": things["llms"]}),
        ("audit", {"target_id": things["keys"]}),
        ("audit", {"actor_id": owner}),
        ("audit", {"key_id": other.keys["admin"].key.id}),
    ]:
        answer = admin.get(f"{API}/{path}", params=params | {"page_size": 200})
        shown(answer)
        for theirs in (*things.values(), owner, other.name):
            assert theirs not in answer.text


def test_a_key_of_another_ones_principal_is_not_made(
    admin: httpx2.Client, things: dict[str, str]
) -> None:
    theirs, nobodys = (
        admin.post(f"{API}/keys", json={"name": "x", "principal_id": id_})
        for id_ in (things["principals"], SOME_ID)
    )
    assert _faceless(theirs) == _faceless(nobodys)
    theirs, nobodys = (
        admin.post(LLMS, json=an_llm(owner_id=id_)) for id_ in (things["principals"], SOME_ID)
    )
    assert _faceless(theirs) == _faceless(nobodys)


def test_ids_names_and_connections_are_ones_own(
    admin: httpx2.Client, other: Tenant, things: dict[str, str]
) -> None:
    """What another organization has tells nothing to this one, not even by a 409."""
    same = an_llm(id=things["llms"], credential={"secret": "sk-theirs"})
    made = admin.post(LLMS, json=same, params={"unique": ["name", "connection"]})
    assert shown(made, 201)["id"] == things["llms"]
    shown(admin.delete(f"{LLMS}/{things['llms']}"), 204)
    assert shown(other.client().get(f"{LLMS}/{things['llms']}"))["model"] == "gpt-4o"


def test_two_credentials_of_two_organizations(tenant: Tenant, other: Tenant) -> None:
    client = tenant.client_of(tenant.keys["admin"], beside=other.keys["admin"])
    assert client.get(LLMS).status_code == 401
