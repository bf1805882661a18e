"""A secret comes out nowhere: in no answer, no file and no log line."""

from pathlib import Path

import httpx2

from tests.dialects.anam.tenants import SOME_ID, Tenant
from tests.dialects.dragoman.answers import API, LLMS, shown
from tests.dialects.dragoman.registrations import an_llm

CANARY = "sk-canary-b81f2e"


def _files_with(tenant: Tenant, text: str) -> list[str]:
    files = (path for path in tenant.dragoman.data_dir.parent.rglob("*") if path.is_file())
    return [path.name for path in files if text.encode() in Path(path).read_bytes()]


def test_what_is_stored_is_in_no_answer_no_file_and_no_log(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    secretive = an_llm(
        credential={"secret": f"{CANARY}-1"}, headers={"x-one": f"{CANARY}-2", "x-two": "plain"}
    )
    created = admin.post(LLMS, json=secretive)
    path = f"{LLMS}/{shown(created, 201)['id']}"
    elsewhere = [{"url": "https://elsewhere.example/v1"}]
    answers = [
        created,
        admin.post(LLMS, json=secretive, params={"dry_run": "true"}),
        admin.post(LLMS, json=secretive, params={"unique": "connection"}),
        admin.post(LLMS, json=secretive | {"model": ""}),
        admin.post(LLMS, json=secretive | {"colour": CANARY}),
        admin.get(path),
        admin.get(LLMS),
        admin.get(LLMS, params={"search": "sk-"}),
        admin.patch(path, json={"credential": {"secret": f"{CANARY}-3"}}),
        admin.patch(path, json={"headers": {"x-one": f"{CANARY}-4", "x-two": None}}),
        admin.patch(path, json={"credential": {"secret": f"{CANARY} "}}),
        admin.patch(path, json={"headers": {"x-one": f"{CANARY}\n"}}),
        admin.patch(path, json={"endpoints": elsewhere}),
        admin.patch(path, json={"model": "x"}, headers={"if-match": '"0"'}),
        admin.patch(f"{LLMS}/{SOME_ID}", json={"credential": {"secret": CANARY}}),
        admin.get(f"{API}/audit"),
        admin.delete(path),
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [201, 200, 409, 400, 400, *[200] * 5, *[400] * 3, 412, 404, 200, 204]
    for answer in answers:
        assert CANARY not in f"{answer.text}{answer.headers!r}"
    assert _files_with(tenant, CANARY) == []


def test_a_keys_text_is_in_one_answer_only(tenant: Tenant, admin: httpx2.Client) -> None:
    made = shown(admin.post(f"{API}/keys", json={"name": "x", "role": "admin"}), 201)
    answers = [
        admin.get(f"{API}/keys"),
        admin.get(f"{API}/keys/{made['id']}"),
        admin.get(f"{API}/audit"),
        admin.get(f"{API}/me", headers={"authorization": f"Bearer {made['key']}"}),
        admin.get(f"{API}/me", headers={"authorization": f"Bearer {made['key']}x"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 401]
    for answer in answers:
        assert made["key"] not in answer.text
        assert "digest" not in answer.text
    assert _files_with(tenant, made["key"]) == []
