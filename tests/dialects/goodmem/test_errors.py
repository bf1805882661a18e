"""Failures in GoodMem's shape, the framework's own included."""

import contextlib
import sqlite3

import httpx2
import pytest

from dragoman.authz.policy import PERMISSIONS
from dragoman.dialect.status import STATUSES
from dragoman.dialects.goodmem.errors import CODES, permission_name, render
from dragoman.domain import errors
from tests.dialects.anam.tenants import Tenant, database_path, query
from tests.dialects.goodmem.registrations import LLMS, SOME_ID, an_llm, created, error, shown

JSON = {"content-type": "application/json"}


def test_every_status_has_a_grpc_name() -> None:
    assert CODES.keys() >= set(STATUSES.values())


FAILURES: list[tuple[errors.DragomanError, int, str]] = [
    (errors.Malformed("x"), 400, "INVALID_ARGUMENT"),
    (errors.Invalid(errors.Problem(("a",), "is x", "x")), 400, "INVALID_ARGUMENT"),
    (errors.Unauthenticated("x"), 401, "UNAUTHENTICATED"),
    (errors.Forbidden("x"), 403, "PERMISSION_DENIED"),
    (errors.NotFound("x"), 404, "NOT_FOUND"),
    (errors.MethodNotAllowed("x", allowed="GET"), 405, "UNIMPLEMENTED"),
    (errors.Conflict("x"), 409, "ALREADY_EXISTS"),
    (errors.PreconditionFailed("x"), 412, "FAILED_PRECONDITION"),
    (errors.NotCallable("x"), 412, "FAILED_PRECONDITION"),
    (errors.TooLarge("x"), 413, "INVALID_ARGUMENT"),
    (errors.UnsupportedMediaType("x"), 415, "INVALID_ARGUMENT"),
    (errors.TooManyAtOnce("x"), 429, "RESOURCE_EXHAUSTED"),
    (errors.Internal("x"), 500, "INTERNAL"),
    (errors.CredentialUnusable("x"), 502, "UNAVAILABLE"),
    (errors.Unavailable("x"), 503, "UNAVAILABLE"),
    (errors.UpstreamTimeout("x"), 504, "DEADLINE_EXCEEDED"),
]


@pytest.mark.parametrize(("failure", "status", "code"), FAILURES)
def test_each_failure_has_its_status_and_its_grpc_name(
    failure: errors.DragomanError, status: int, code: str
) -> None:
    rendered = render(failure)
    assert (rendered.status, rendered.body) == (status, {"error": failure.message, "code": code})


def test_a_secret_that_is_missing_has_a_code_of_its_own() -> None:
    problems = [errors.Problem(("a",), "x", "y"), errors.Problem(("b",), "x", "secret_required")]
    assert render(errors.Invalid(*problems)).body["code"] == "SECRET_REQUIRED"


def test_the_permission_that_is_missing_is_named_as_goodmem_names_it() -> None:
    said = render(errors.Forbidden("No.", permission="llm:create:any")).body["error"]
    assert said == "No. What is missing is CREATE_LLM_ANY."


def test_permissions_have_goodmems_names() -> None:
    names = [permission_name(permission) for permission in PERMISSIONS]
    assert len(set(names)) == len(names)
    assert {"CREATE_LLM_OWN", "LIST_LLM_ANY", "PING_LLM_OWN"} < set(names)
    assert "READ_LLM_CREDENTIALS_ANY" in names


# --- Over HTTP -----------------------------------------------------------------------------------

UNREADABLE = [
    (b"{", "The body is not valid JSON (line 1, column 2)."),
    (b'{"displayName": "\xff"}', "The body is not valid UTF-8."),
    (b'{"displayName": "a\\u0000"}', "The body has a NUL character in a text."),
    (
        b'{"maxContextLength": 1, "maxContextLength": 2}',
        "The body has a member twice in one object.",
    ),
    (b'{"clientConfig": {"a": NaN}}', "NaN and Infinity are not JSON."),
    (b"[" * 200_000, "The body is nested deeper than 64 levels."),
    (b"[]", "The body must be a JSON object."),
    (b"", "The body must be a JSON object."),
]


@pytest.mark.parametrize(
    ("body", "message"), UNREADABLE, ids=[f"{body[:40]!r}" for body, _ in UNREADABLE]
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(
    admin: httpx2.Client, llms: str, body: bytes, message: str
) -> None:
    for answer in (
        admin.post(llms, content=body, headers=JSON),
        admin.put(f"{llms}/{SOME_ID}", content=body, headers=JSON),
    ):
        assert error(answer, 400, "INVALID_ARGUMENT") == message


def test_what_is_too_large_or_no_json_is_refused(admin: httpx2.Client, llms: str) -> None:
    large = b'{"displayName": "' + b"x" * 1024 * 1024 + b'"}'
    error(admin.post(llms, content=large, headers=JSON), 413, "INVALID_ARGUMENT")
    error(admin.post(llms, content=b"a=b"), 415, "INVALID_ARGUMENT")


def test_paths_and_methods_that_do_not_exist_are_told_in_the_same_shape(
    admin: httpx2.Client, llms: str
) -> None:
    error(admin.patch(llms, json={}), 405, "UNIMPLEMENTED")
    error(admin.get(f"{llms}/{SOME_ID}/x"), 404, "NOT_FOUND")
    error(admin.get(f"{llms}/"), 404, "NOT_FOUND")
    refused = admin.post(f"{llms}/{SOME_ID}", json={})
    error(refused, 405, "UNIMPLEMENTED")
    assert refused.headers["allow"] == "DELETE, GET, PUT"


@pytest.mark.parametrize("headers", [{}, {"x-api-key": ""}, {"x-api-key": "gm_nonsense"}])
def test_who_has_no_key_that_verifies_is_told_so(tenant: Tenant, headers: dict[str, str]) -> None:
    with httpx2.Client(base_url=tenant.dragoman.url, headers=headers) as client:
        for path in (LLMS, f"{LLMS}/{SOME_ID}", "/goodmem/v1/x"):
            error(client.get(path), 401, "UNAUTHENTICATED")


def test_at_the_bare_host_the_header_says_whose_errors_they_are(tenant: Tenant) -> None:
    with httpx2.Client(base_url=tenant.dragoman.url) as client:
        assert list(client.get("/v1/llms").json()) == ["error"]
        error(client.get("/v1/llms", headers={"x-api-key": "x"}), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("llm_id", ["x", SOME_ID[:-1], f"{SOME_ID}0", "%00", "..%2F"])
def test_an_id_that_is_none_is_refused(admin: httpx2.Client, llms: str, llm_id: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = admin.request(method, f"{llms}/{llm_id}", json={})
        assert answer.status_code in {400, 404}
        error(answer, answer.status_code, CODES[answer.status_code])


def test_an_id_in_a_body_is_told_what_it_must_be_and_may_be_in_any_case(
    admin: httpx2.Client, llms: str
) -> None:
    refused = admin.post(llms, json=an_llm(llmId="x", ownerId="y"))
    said = error(refused, 400, "INVALID_ARGUMENT")
    assert said == "llmId: must be a UUID; ownerId: must be a UUID"
    made = created(admin, llms, llmId=SOME_ID.upper())
    assert made["llmId"] == SOME_ID
    assert admin.delete(f"{llms}/{SOME_ID}").status_code == 204


def test_a_fault_of_ours_tells_nothing_but_where_the_operator_finds_it(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    """Provoked by a row that cannot be read."""
    llm_id = created(admin)["llmId"]
    query(tenant.dragoman, "UPDATE llms SET client_config = 'planted' WHERE id = ?", llm_id)
    for path in (f"{LLMS}/{llm_id}", LLMS):
        answer = admin.get(path)
        assert error(answer, 500, "INTERNAL") == (
            "Something went wrong in Dragoman; its log says what."
        )
        assert answer.headers["x-request-id"] in tenant.dragoman.log


def test_a_locked_database_is_told_as_something_that_passes(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    with contextlib.closing(
        sqlite3.connect(database_path(tenant.dragoman), isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = admin.post(LLMS, json=an_llm())
        other.execute("ROLLBACK")
    error(refused, 503, "UNAVAILABLE")
    assert refused.headers["retry-after"] == "1"
    shown(admin.post(LLMS, json=an_llm()), 201)
