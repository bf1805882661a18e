"""Who is not known: 401. Which keys a request may carry."""

from typing import Any

import httpx2
import pytest

from dragoman.vault import api_key
from tests.dialects.anam.answers import error, shown, within_a_second
from tests.dialects.anam.tenants import LLMS, SOME_ID, Tenant, an_llm
from tests.running import RunningDragoman

INVALID = "Invalid API key."
MISSING = "Missing API key. Send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'."
SCHEME = "Use 'Authorization: Bearer <key>' or 'x-api-key: <key>'."


def _unauthenticated(answer: httpx2.Response) -> str:
    assert answer.headers["www-authenticate"] == "Bearer"
    return error(answer, 401)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, MISSING),
        ({"authorization": ""}, SCHEME),
        ({"authorization": "Basic dXNlcjpwYXNz"}, SCHEME),
        ({"authorization": api_key.generate()}, SCHEME),
        ({"authorization": "Bearer"}, INVALID),
        ({"authorization": "Bearer nonsense"}, INVALID),
        ({"authorization": f"Bearer {api_key.generate()}"}, INVALID),
        ({"authorization": f"Bearer {api_key.generate()}x"}, INVALID),
        ({"authorization": f"Bearer {api_key.generate().upper()}"}, INVALID),
        ({"authorization": f"Bearer {'dgm_' + 'a' * 39}"}, INVALID),
    ],
)
def test_a_request_without_a_key_that_verifies_is_refused(
    dragoman: RunningDragoman, llms: str, headers: dict[str, str], message: str
) -> None:
    with httpx2.Client(base_url=dragoman.url, headers=headers) as client:
        for method, path in (("GET", llms), ("PUT", f"{llms}/{SOME_ID}"), ("GET", f"{llms}/a/b")):
            assert _unauthenticated(client.request(method, path)) == message


@pytest.mark.parametrize("key", ["", api_key.generate()], ids=["empty", "unknown"])
def test_a_key_of_its_own_header_that_does_not_verify_is_refused(
    dragoman: RunningDragoman, key: str
) -> None:
    with httpx2.Client(base_url=dragoman.url, headers={"x-api-key": key}) as client:
        assert _unauthenticated(client.get(LLMS)) == INVALID


def test_the_scheme_bearer_is_known_in_any_case(tenant: Tenant, admin: httpx2.Client) -> None:
    for scheme in ("bearer", "BEARER"):
        headers = {"authorization": f"{scheme} {tenant.keys['admin'].text}"}
        shown(admin.get(LLMS, headers=headers))


def test_a_key_in_the_query_is_no_credential(tenant: Tenant, llms: str) -> None:
    key = tenant.keys["admin"].text
    with httpx2.Client(base_url=tenant.dragoman.url) as client:
        for name in ("api_key", "x-api-key", "key", "access_token"):
            assert _unauthenticated(client.get(llms, params={name: key})) == MISSING


def test_a_revoked_key_is_refused_within_a_second_and_like_one_that_never_was(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    viewer = tenant.client("viewer")
    shown(viewer.get(LLMS))

    revoked = tenant.dragoman.cli("key", "revoke", "viewer", "--org", tenant.name)

    assert revoked.returncode == 0, revoked.stderr
    assert within_a_second(lambda: viewer.get(LLMS).status_code == 401)
    unknown = admin.get(LLMS, headers={"authorization": f"Bearer {api_key.generate()}"})
    assert _unauthenticated(viewer.get(LLMS)) == _unauthenticated(unknown)
    shown(admin.get(LLMS))


def test_who_is_not_known_is_told_so_before_the_body_is_judged(dragoman: RunningDragoman) -> None:
    with httpx2.Client(base_url=dragoman.url) as client:
        for body in (b"{", b"[" * 200_000, b"\xff"):
            assert _unauthenticated(client.post(LLMS, content=body)) == MISSING


# --- x-api-key, and two keys at once -----------------------------------------------------------


def test_x_api_key_is_another_way_to_send_a_key(tenant: Tenant) -> None:
    headers = {"x-api-key": tenant.keys["editor"].text}
    with httpx2.Client(base_url=tenant.dragoman.url, headers=headers) as client:
        created = shown(client.post(LLMS, json=an_llm()), 201)
        assert shown(client.get(LLMS))["data"] == [created]
        assert client.delete(f"{LLMS}/{created['id']}").status_code == 204


@pytest.mark.parametrize(
    ("bearer", "x_api_key", "statuses"),
    [
        # list, create, get, put and delete on an LLM of the editor's
        ("admin", "admin", [200, 201, 200, 200, 204]),
        ("editor", "editor", [200, 201, 200, 200, 204]),
        ("admin", "viewer", [200, 403, 200, 403, 403]),
        ("viewer", "admin", [200, 403, 200, 403, 403]),
        ("editor", "viewer", [200, 403, 200, 403, 403]),
        ("admin", "caller", [200, 403, 403, 403, 403]),
        ("caller", "viewer", [200, 403, 403, 403, 403]),
        # Two principals have nothing in common that is each one's own.
        ("admin", "editor", [200, 403, 200, 403, 403]),
        ("editor", "admin", [200, 403, 200, 403, 403]),
    ],
)
def test_two_keys_of_one_organization_may_do_what_both_may(
    tenant: Tenant, bearer: str, x_api_key: str, statuses: list[int]
) -> None:
    of_editor = shown(tenant.client("editor").post(LLMS, json=an_llm()), 201)
    client = tenant.client_of(tenant.keys[bearer], beside=tenant.keys[x_api_key])
    assert _five_calls(client, of_editor) == statuses


def test_two_admins_together_may_do_everything(tenant: Tenant) -> None:
    of_editor = shown(tenant.client("editor").post(LLMS, json=an_llm()), 201)
    client = tenant.client_of(tenant.keys["admin"], beside=tenant.another_key("admin"))
    assert _five_calls(client, of_editor) == [200, 201, 200, 200, 204]


def test_two_editors_together_may_not_change_what_one_of_them_may_not(tenant: Tenant) -> None:
    first, second = tenant.keys["editor"], tenant.another_key("editor")
    of_first = shown(tenant.client_of(first).post(LLMS, json=an_llm()), 201)
    for bearer, x_api_key in ((first, second), (second, first)):
        client = tenant.client_of(bearer, beside=x_api_key)
        assert _five_calls(client, of_first) == [200, 403, 200, 403, 403]


def _five_calls(client: httpx2.Client, llm: dict[str, Any]) -> list[int]:
    """Call each route, and give the statuses."""
    path = f"{LLMS}/{llm['id']}"
    answers = [
        client.get(LLMS),
        client.post(LLMS, json=an_llm()),
        client.get(path),
        client.put(path, json={"displayName": "After"}),
        client.delete(path),
    ]
    return [answer.status_code for answer in answers]


def test_two_keys_of_two_organizations_are_refused(tenant: Tenant) -> None:
    with Tenant(tenant.dragoman) as other:
        client = tenant.client_of(tenant.keys["admin"], beside=other.keys["admin"])
        assert _unauthenticated(client.get(LLMS)) == (
            "The two credentials of this request belong to two organizations."
        )


@pytest.mark.parametrize("invalid", ["nonsense", api_key.generate()], ids=["nonsense", "unknown"])
def test_a_valid_key_does_not_help_one_that_does_not_verify(tenant: Tenant, invalid: str) -> None:
    client, valid = tenant.client(), tenant.keys["admin"].text
    for headers in (
        {"authorization": f"Bearer {valid}", "x-api-key": invalid},
        {"authorization": f"Bearer {invalid}", "x-api-key": valid},
    ):
        assert _unauthenticated(client.get(LLMS, headers=headers)) == INVALID


def test_three_keys_are_too_many(tenant: Tenant) -> None:
    key = tenant.keys["admin"].text
    headers = [("authorization", f"Bearer {key}"), ("x-api-key", key), ("x-api-key", key)]
    with httpx2.Client(base_url=tenant.dragoman.url, headers=headers) as client:
        assert _unauthenticated(client.get(LLMS)) == "This request carries too many credentials."
