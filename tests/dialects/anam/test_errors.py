"""Failures of what is in a request, and our own, in Anam's shape: `{"error": …}`."""

import contextlib
import sqlite3
from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import error, named, shown
from tests.dialects.anam.tenants import LLMS, SOME_ID, Tenant, an_llm, database_path, query

JSON = {"content-type": "application/json"}

UNREADABLE = [
    (b"{", "The body is not valid JSON (line 1, column 2)."),
    (b'{\n  "displayName": x\n}', "The body is not valid JSON (line 2, column 18)."),
    (b"{'displayName': 1}", "The body is not valid JSON (line 1, column 2)."),
    (b"{} {}", "The body is not valid JSON (line 1, column 4)."),
    (b"\xef\xbb\xbf{}", "The body is not valid JSON (line 1, column 1)."),
    (b'{"displayName": "a\nb"}', "The body is not valid JSON (line 1, column 19)."),
    (b'{"displayName": "\xff"}', "The body is not valid UTF-8."),
    ("{}".encode("utf-16"), "The body is not valid UTF-8."),
    (b'{"displayName": "\\ud800"}', "The body has half of a surrogate pair in a text."),
    (b'{"metadata": {"\\udfff": 1}}', "The body has half of a surrogate pair in a text."),
    (b'{"displayName": "a\\u0000"}', "The body has a NUL character in a text."),
    (b'{"metadata": {"a\\u0000": 1}}', "The body has a NUL character in a text."),
    (b'{"temperature": 1, "temperature": 2}', "The body has a member twice in one object."),
    (b'{"metadata": {"a": 1, "\\u0061": 1}}', "The body has a member twice in one object."),
    (b'{"temperature": NaN}', "NaN and Infinity are not JSON."),
    (b'{"metadata": [-Infinity]}', "NaN and Infinity are not JSON."),
    (b'{"temperature": 1e999}', "The body has a number that is too large."),
    (b'{"maxTokens": ' + b"9" * 5000 + b"}", "The body has a number that is too large."),
    (b'{"metadata":' + b"[" * 64 + b"]" * 64 + b"}", "The body is nested deeper than 64 levels."),
    (b"[" * 200_000, "The body is nested deeper than 64 levels."),
    (b'{"a":' * 100_000, "The body is nested deeper than 64 levels."),
]


@pytest.mark.parametrize(
    ("body", "message"), UNREADABLE, ids=[f"{body[:40]!r}" for body, _ in UNREADABLE]
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(
    admin: httpx2.Client, llms: str, body: bytes, message: str
) -> None:
    assert error(admin.post(llms, content=body, headers=JSON), 400) == message
    assert error(admin.put(f"{llms}/{SOME_ID}", content=body, headers=JSON), 400) == message


def test_nesting_of_64_levels_is_stored(admin: httpx2.Client) -> None:
    deepest: Any = 1
    for _ in range(62):
        deepest = [deepest]
    created = shown(admin.post(LLMS, json=an_llm(metadata={"deep": deepest})), 201)
    assert created["metadata"] == {"deep": deepest}


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b"true", b""])
def test_a_body_that_is_no_object_is_told_that_an_object_is_wanted(
    admin: httpx2.Client, body: bytes
) -> None:
    for answer in (
        admin.post(LLMS, content=body, headers=JSON),
        admin.put(f"{LLMS}/{SOME_ID}", content=body, headers=JSON),
    ):
        assert answer.status_code == 400
        named(answer)
        assert "object" in answer.json().get("summary", answer.json()["error"])
        assert all(detail["path"] for detail in answer.json().get("details", []))


def test_a_fault_of_ours_tells_the_caller_nothing_but_where_the_operator_finds_it(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    """Provoked by a row that cannot be read."""
    llm_id = shown(admin.post(LLMS, json=an_llm()), 201)["id"]
    query(tenant.dragoman, "UPDATE llms SET metadata = 'planted' WHERE id = ?", llm_id)

    for path in (f"{LLMS}/{llm_id}", LLMS):
        answer = admin.get(path)
        assert error(answer, 500) == "Something went wrong in Dragoman; its log says what."
        assert named(answer) in tenant.dragoman.log


def test_a_locked_database_is_told_as_something_that_passes(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    with contextlib.closing(
        sqlite3.connect(database_path(tenant.dragoman), isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = admin.post(LLMS, json=an_llm())
        read_meanwhile = admin.get(LLMS)
        other.execute("ROLLBACK")

    assert error(refused, 503) == "The database cannot be reached right now; try again."
    assert refused.headers["retry-after"] == "1"
    assert shown(read_meanwhile)["data"] == []
    shown(admin.post(LLMS, json=an_llm()), 201)


def test_no_two_answers_have_the_same_request_id(admin: httpx2.Client) -> None:
    answers = [admin.get(LLMS if number % 2 else f"{LLMS}/x") for number in range(50)]
    assert len({named(answer) for answer in answers}) == 50
