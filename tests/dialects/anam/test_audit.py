"""What each change leaves in the audit trail."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import named, shown
from tests.dialects.anam.tenants import LLMS, OPENAI_URL, SOME_ID, AuditRow, Tenant, an_llm, query


def test_each_change_is_recorded_once_with_who_did_it_and_by_which_request(
    tenant: Tenant, llms: str
) -> None:
    admin, editor = tenant.keys["admin"], tenant.keys["editor"]
    as_admin, as_editor = tenant.client("admin"), tenant.client("editor")

    created = as_editor.post(llms, json=an_llm())
    llm_id = shown(created, 201)["id"]
    path = f"{llms}/{llm_id}"
    renamed = as_editor.put(path, json={"displayName": "After", "metadata": {"a": 1}})
    rotated = as_admin.put(path, json={"secret": "sk-next"})
    moved = as_admin.put(
        path, json={"url": "https://eu.example/", "llmFormat": "gemini", "secret": "sk-other"}
    )
    deleted = as_admin.delete(path)

    by_admin, by_editor = (admin.principal.id, admin.key.id), (editor.principal.id, editor.key.id)
    everything = tenant.audit()
    assert [row._replace(members=tuple(sorted(row.members))) for row in everything] == [
        AuditRow("llm.create", llm_id, (), *by_editor, named(created)),
        AuditRow("llm.update", llm_id, ("display_name", "metadata"), *by_editor, named(renamed)),
        AuditRow("llm.update", llm_id, ("secret",), *by_admin, named(rotated)),
        AuditRow(
            "llm.update", llm_id, ("endpoints", "protocol", "secret"), *by_admin, named(moved)
        ),
        AuditRow("llm.delete", llm_id, (), *by_admin, named(deleted)),
    ]


def test_what_is_recorded_holds_names_of_members_but_no_value(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    planted = "planted-value"
    body = an_llm(displayName=planted, description=planted, secret=planted, modelName=planted)
    path = f"{LLMS}/{shown(admin.post(LLMS, json=body), 201)['id']}"
    url = {"url": f"https://{planted}.example/", "secret": f"{planted}-2"}
    shown(admin.put(path, json={"displayTags": [planted], "metadata": {planted: planted}} | url))
    rows = query(
        tenant.dragoman, "SELECT * FROM audit WHERE organization_id = ?", tenant.organization_id
    )
    assert len(rows) == 2 * len(tenant.keys) + 2  # each key has a new principal
    assert planted not in repr(rows)


REFUSED: list[tuple[str, str, Any]] = [
    ("editor", "PUT", {"displayName": "After"}),
    ("viewer", "PUT", {"displayName": "After"}),
    ("caller", "DELETE", None),
    ("editor", "DELETE", None),
    ("admin", "PUT", {"displayName": ""}),
    ("admin", "PUT", {"url": "https://evil.example/"}),
    ("admin", "PUT", {"secret": "****"}),
    ("admin", "PUT", []),
    ("admin", "PATCH", {"displayName": "After"}),
]


@pytest.mark.parametrize(("role", "method", "body"), REFUSED)
def test_what_was_refused_is_not_recorded(
    tenant: Tenant, admin: httpx2.Client, role: str, method: str, body: Any
) -> None:
    path = f"{LLMS}/{shown(admin.post(LLMS, json=an_llm()), 201)['id']}"
    answer = tenant.client(role).request(method, path, json=body)
    assert 400 <= answer.status_code < 500
    assert [row.action for row in tenant.audit()] == ["llm.create"]


def test_reading_and_failing_to_find_is_not_recorded(tenant: Tenant, admin: httpx2.Client) -> None:
    admin.get(LLMS)
    admin.get(f"{LLMS}/{SOME_ID}")
    admin.put(f"{LLMS}/{SOME_ID}", json={"url": OPENAI_URL})
    admin.delete(f"{LLMS}/{SOME_ID}")
    admin.post(LLMS, json=an_llm(temperature=9))
    assert tenant.audit() == []


def test_a_change_that_cannot_be_recorded_is_not_made(tenant: Tenant, admin: httpx2.Client) -> None:
    stored = shown(admin.post(LLMS, json=an_llm()), 201)
    path = f"{LLMS}/{stored['id']}"
    condition = f"NEW.organization_id = '{tenant.organization_id}'"
    query(
        tenant.dragoman,
        f"CREATE TRIGGER unrecorded BEFORE INSERT ON audit WHEN {condition} "
        "BEGIN SELECT RAISE(ABORT, 'the audit is broken'); END",
    )
    try:
        answers = [
            admin.post(LLMS, json=an_llm(displayName="Second")),
            admin.put(path, json={"displayName": "After"}),
            admin.delete(path),
        ]
    finally:
        query(tenant.dragoman, "DROP TRIGGER unrecorded")

    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert shown(admin.get(LLMS))["data"] == [stored]
    assert admin.delete(path).status_code == 204
