"""Organizations, principals, keys, the audit trail, and who is asking."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from tests.dialects.anam.answers import named, within_a_second
from tests.dialects.anam.tenants import SOME_ID, Tenant, clock
from tests.dialects.dragoman.answers import API, LLMS, errors, problem, shown
from tests.dialects.dragoman.registrations import an_llm

ORGANIZATIONS, PRINCIPALS, KEYS = f"{API}/organizations", f"{API}/principals", f"{API}/keys"
AUDIT, ME = f"{API}/audit", f"{API}/me"


def _key(client: httpx2.Client, **members: Any) -> Any:
    return shown(client.post(KEYS, json={"name": "made"} | members), 201)


def test_who_is_asking(tenant: Tenant) -> None:
    for role, new in tenant.keys.items():
        me = shown(tenant.client(role).get(ME))
        assert me["organization"] == {"id": tenant.organization_id, "name": tenant.name}
        assert me["principal"] == {"id": new.principal.id, "name": role, "role": role}
        assert (me["key_id"], me["expires_at"]) == (new.key.id, None)
        assert ("organization:administer" in me["permissions"]) == (role == "admin")


def test_a_principal(admin: httpx2.Client, tenant: Tenant) -> None:
    made = admin.post(PRINCIPALS, json={"name": "service", "role": "viewer"})
    principal = shown(made, 201)
    path = made.headers["location"]
    assert path == f"{PRINCIPALS}/{principal['id']}"
    assert principal["organization_id"] == tenant.organization_id
    assert shown(admin.get(path)) == principal
    assert principal in shown(admin.get(PRINCIPALS))["items"]
    changed = shown(admin.patch(path, json={"name": "other", "role": "editor"}))
    assert changed == principal | {"name": "other", "role": "editor"}
    assert shown(admin.patch(path, json={})) == changed
    assert errors(admin.patch(path, json={"name": None})) == [("name", "string_type")]
    assert errors(admin.patch(path, json={"role": "king"})) == [("role", "enum")]
    assert errors(admin.patch(path, json={"name": ""})) == [("name", "invalid")]
    shown(admin.delete(path), 204)
    for answer in (admin.get(path), admin.delete(path), admin.patch(path, json={})):
        assert problem(answer, 404) == "not_found"


def test_a_principal_that_owns_llms_stays(admin: httpx2.Client, tenant: Tenant) -> None:
    shown(tenant.client("editor").post(LLMS, json=an_llm()), 201)
    answer = admin.delete(f"{PRINCIPALS}/{tenant.keys['editor'].principal.id}")
    assert problem(answer, 409) == "principal_owns_llms"


def test_the_keys_of_a_principal_follow_it(admin: httpx2.Client, tenant: Tenant) -> None:
    viewer, path = tenant.client("viewer"), f"{PRINCIPALS}/{tenant.keys['viewer'].principal.id}"
    assert problem(viewer.post(LLMS, json=an_llm()), 403) == "forbidden"
    shown(admin.patch(path, json={"role": "editor"}))
    assert within_a_second(lambda: viewer.post(LLMS, json={}).status_code == 400)
    shown(admin.delete(path), 204)
    assert within_a_second(lambda: {viewer.get(ME).status_code for _ in range(6)} == {401})


def test_a_key(admin: httpx2.Client, tenant: Tenant) -> None:
    body = {"name": "program", "role": "editor", "permissions": ["llm:list:any", "llm:read:own"]}
    made = admin.post(KEYS, json=body)
    key = shown(made, 201)
    text = key.pop("key")
    path = made.headers["location"]
    assert path == f"{KEYS}/{key['id']}"
    assert (key["state"], key["permissions"]) == ("active", sorted(body["permissions"]))
    assert (key["expires_at"], key["revoked_at"]) == (None, None)
    assert shown(admin.get(path)) == key
    assert shown(admin.get(KEYS))["items"][0] == key
    with tenant.dragoman.client(text, verify=False) as client:
        assert shown(client.get(ME))["permissions"] == key["permissions"]
        assert problem(client.post(LLMS, json=an_llm()), 403) == "forbidden"
        shown(admin.delete(path), 204)
        assert within_a_second(lambda: {client.get(ME).status_code for _ in range(6)} == {401})
    ended = shown(admin.get(path))
    assert ended["state"] == "revoked"
    assert ended["revoked_at"] is not None
    shown(admin.delete(path), 204)
    assert shown(admin.get(path)) == ended


def test_a_key_ends_by_itself(admin: httpx2.Client, tenant: Tenant) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1.5)
    key = _key(admin, role="viewer", expires_at=end.isoformat())
    with tenant.dragoman.client(key["key"], verify=False) as client:
        assert shown(client.get(ME))["expires_at"] == key["expires_at"]
        time.sleep(1.6)
        assert problem(client.get(ME), 401) == "unauthenticated"
    assert shown(admin.get(f"{KEYS}/{key['id']}"))["state"] == "expired"


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, ("principal_id", "conflict")),
        ({"role": "viewer", "principal_id": SOME_ID}, ("principal_id", "conflict")),
        ({"principal_id": SOME_ID}, ("principal_id", "not_found")),
        ({"principal_id": "x"}, ("principal_id", "not_found")),
        ({"role": "viewer", "permissions": ["llm:fly"]}, ("permissions.0", "unknown")),
        ({"role": "viewer", "permissions": ["llm:use:any"]}, ("permissions", "beyond_role")),
        ({"role": "viewer", "permissions": "x"}, ("permissions", "list_type")),
        ({"role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}, ("expires_at", "invalid")),
        ({"role": "viewer", "expires_at": "tomorrow"}, ("expires_at", "invalid_time")),
        ({"role": "viewer", "expires_at": 1}, ("expires_at", "string_type")),
        (
            {"role": "viewer", "expires_at": "9999-12-31T23:59:59-01:00"},
            ("expires_at", "invalid_time"),
        ),
        ({"role": "viewer", "name": ""}, ("name", "invalid")),
        ({"role": "viewer", "key": "mine"}, ("key", "unknown")),
    ],
)
def test_keys_that_are_refused(
    admin: httpx2.Client, members: dict[str, Any], found: tuple[str, str]
) -> None:
    assert errors(admin.post(KEYS, json={"name": "made"} | members)) == [found]


def test_nobody_hands_on_more_than_they_hold(tenant: Tenant, admin: httpx2.Client) -> None:
    own = ["organization:administer", "llm:list:any", "llm:list:own"]
    weak = _key(admin, role="admin", permissions=own)
    with tenant.dragoman.client(weak["key"], verify=False) as client:
        for members in (
            {"role": "viewer"},
            {"role": "admin"},
            {"role": "viewer", "permissions": ["llm:read:any"]},
            {"principal_id": weak["principal_id"]},
            {"principal_id": tenant.keys["admin"].principal.id},
        ):
            answer = client.post(KEYS, json={"name": "strong"} | members)
            assert problem(answer, 403) == "forbidden"
        assert problem(client.post(PRINCIPALS, json={"name": "x", "role": "admin"}), 403)
        viewer = f"{PRINCIPALS}/{tenant.keys['viewer'].principal.id}"
        assert problem(client.patch(viewer, json={"role": "admin"}), 403) == "forbidden"
        assert shown(client.patch(viewer, json={"name": "renamed"}))["name"] == "renamed"
        made = _key(client, principal_id=weak["principal_id"], permissions=own)
        assert made["permissions"] == sorted(own)


def test_an_organization_of_ones_own(tenant: Tenant, admin: httpx2.Client) -> None:
    path = f"{ORGANIZATIONS}/{tenant.organization_id}"
    mine = shown(admin.get(path))
    assert shown(admin.get(ORGANIZATIONS)) == {"items": [mine], "next_page_token": None}
    for name in ("platform", "a name that nobody has"):
        assert problem(admin.patch(path, json={"name": name}), 403) == "forbidden"
    assert shown(admin.get(path)) == mine
    assert problem(admin.post(ORGANIZATIONS, json={"name": "another"}), 403) == "forbidden"


def test_operators_make_organizations_and_their_first_keys(
    operators: httpx2.Client, admin: httpx2.Client
) -> None:
    name = clock.new_id()
    made = operators.post(ORGANIZATIONS, json={"name": name})
    organization = shown(made, 201)
    assert made.headers["location"] == f"{ORGANIZATIONS}/{organization['id']}"
    assert problem(operators.post(ORGANIZATIONS, json={"name": name}), 409) == "name_taken"
    path = f"{ORGANIZATIONS}/{organization['id']}"
    assert shown(operators.patch(path, json={})) == organization
    assert problem(operators.patch(path, json={"name": "platform"}), 409) == "name_taken"
    assert errors(operators.patch(path, json={"name": None})) == [("name", "string_type")]
    name = clock.new_id()
    organization |= {"name": name}
    assert shown(operators.patch(path, json={"name": name})) == organization
    assert organization in shown(operators.get(ORGANIZATIONS, params={"page_size": 200}))["items"]
    of = {"organization_id": organization["id"]}
    key = _key(operators, role="admin", **of)
    assert key["organization_id"] == organization["id"]
    headers = {"authorization": f"Bearer {key['key']}"}
    assert shown(admin.get(ME, headers=headers))["organization"]["name"] == name
    for path in (f"{KEYS}/{key['id']}", f"{PRINCIPALS}/{key['principal_id']}"):
        shown(operators.get(path, params=of))
        assert problem(operators.get(path), 404) == "not_found"
        assert problem(admin.get(path, params=of), 404) == "not_found"
    actions = [each["action"] for each in shown(operators.get(AUDIT, params=of))["items"]]
    assert actions == [
        "key.create",
        "principal.create",
        "organization.update",
        "organization.create",
    ]
    principal = shown(operators.post(PRINCIPALS, json={"name": "x", "role": "viewer"} | of), 201)
    path = f"{PRINCIPALS}/{principal['id']}"
    assert shown(operators.patch(path, json={"name": "y"}, params=of))["name"] == "y"
    shown(operators.delete(path, params=of), 204)
    shown(operators.delete(f"{KEYS}/{key['id']}", params=of), 204)
    assert within_a_second(lambda: admin.get(ME, headers=headers).status_code == 401)


def test_operators_do_not_touch_llms(tenant: Tenant, operators: httpx2.Client) -> None:
    llm = shown(tenant.client().post(LLMS, json=an_llm()), 201)
    path = f"{LLMS}/{llm['id']}"
    assert problem(operators.get(path), 404) == "not_found"
    assert problem(operators.patch(path, json={"model": "x"}), 403) == "forbidden"
    assert problem(operators.delete(path), 403) == "forbidden"
    assert problem(operators.post(LLMS, json=an_llm()), 403) == "forbidden"
    of = {"organization_id": tenant.organization_id}
    assert errors(operators.get(LLMS, params=of)) == [("organization_id", "unknown")]
    assert shown(operators.get(ME))["organization"]["id"] == PLATFORM_ORGANIZATION_ID


@pytest.mark.parametrize("noun", ["principals", "keys", "audit"])
def test_an_organization_that_is_not_there(operators: httpx2.Client, noun: str) -> None:
    for organization_id in (SOME_ID, "x", ""):
        answer = operators.get(f"{API}/{noun}", params={"organization_id": organization_id})
        assert problem(answer, 404) == "not_found"


def test_the_audit_trail(tenant: Tenant, admin: httpx2.Client) -> None:
    created = admin.post(LLMS, json=an_llm(credential={"secret": "sk-1"}))
    llm_id = shown(created, 201)["id"]
    patch = {"credential": {"secret": "sk-2"}, "reasoning": {"effort": "low", "format": "raw"}}
    updated = admin.patch(f"{LLMS}/{llm_id}", json=patch)
    assert shown(updated)["revision"] > created.json()["revision"]
    admin.delete(f"{LLMS}/{llm_id}")
    entries = shown(admin.get(AUDIT, params={"llm_id": llm_id}))["items"]
    assert [each["action"] for each in entries] == ["llm.delete", "llm.update", "llm.create"]
    assert sorted(entries[1]["members"]) == ["credential", "reasoning"]
    assert [each["revision"] for each in entries[1:]] == [
        updated.json()["revision"],
        created.json()["revision"],
    ]
    key = tenant.keys["admin"]
    for each in entries:
        assert (each["actor_id"], each["key_id"]) == (key.principal.id, key.key.id)
        assert each["organization_id"] == tenant.organization_id
    assert entries[2]["request_id"] == named(created)
    middle = entries[1]
    for params, found in [
        ({"target_id": llm_id}, entries),
        ({"action": "llm.update"}, [middle]),
        ({"request_id": middle["request_id"]}, [middle]),
        ({"key_id": key.key.id}, entries),
        ({"actor_id": key.principal.id, "action": "llm.create"}, [entries[2]]),
        ({"key_id": SOME_ID}, []),
        ({"since": entries[2]["at"], "until": entries[0]["at"], "llm_id": llm_id}, entries[1:]),
        ({"since": "2999-01-01T00:00:00+01:00"}, []),
        ({"until": "1970-01-01T00:00:00Z"}, []),
        ({"llm_id": llm_id, "target_id": llm_id}, entries),
    ]:
        distinct_times = entries[0]["at"] != middle["at"]
        if "until" not in params or "llm_id" not in params or distinct_times:
            assert shown(admin.get(AUDIT, params=params))["items"] == found, params
    two = {"llm_id": llm_id, "target_id": SOME_ID}
    assert errors(admin.get(AUDIT, params=two)) == [("llm_id", "conflict")]
    for name in ("since", "until"):
        assert errors(admin.get(AUDIT, params={name: "today"})) == [(name, "invalid_time")]
