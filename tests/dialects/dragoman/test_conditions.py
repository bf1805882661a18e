"""Conditional requests: ETag, If-Match, If-None-Match (RFC 9110, section 13)."""

import time
from typing import Any

import httpx2
import pytest

from tests.dialects.anam.tenants import SOME_ID
from tests.dialects.dragoman.answers import LLMS, errors, problem, shown
from tests.dialects.dragoman.registrations import an_llm


@pytest.fixture
def path(admin: httpx2.Client) -> str:
    return f"{LLMS}/{shown(admin.post(LLMS, json=an_llm()), 201)['id']}"


def _filled(pattern: str, tag: str) -> str:
    """Write the tag where the pattern has a T."""
    return pattern.replace("T", tag)


KNOWN = ["T", "W/T", '"other", T', 'T,"other"', 'W/"a" , W/T', '"a,b",T', "T,", ", ,T", "*"]
UNKNOWN = ['"0"', 'W/"0"', '""', '"a,b"', '"\x80"', '"0","1"']
MALFORMED = ["", "17", '"17', "'17'", ",", "T T", "*,T", "w/T", '"a b"', '"a"b"', "W/", "**"]


@pytest.mark.parametrize("pattern", KNOWN)
def test_what_is_known_is_not_sent_again(admin: httpx2.Client, path: str, pattern: str) -> None:
    tag = admin.get(path).headers["etag"]
    answer = admin.get(path, headers={"if-none-match": _filled(pattern, tag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag
    assert "content-type" not in answer.headers
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize("tags", UNKNOWN)
def test_what_is_not_known_is_sent(admin: httpx2.Client, path: str, tags: str) -> None:
    shown(admin.get(path, headers=[(b"if-none-match", tags.encode("latin-1"))]))


@pytest.mark.parametrize("pattern", MALFORMED)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_no_list_of_tags(
    admin: httpx2.Client, path: str, pattern: str, header: str, method: str
) -> None:
    tag = admin.get(path).headers["etag"]
    body: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
    answer = admin.request(method, path, headers={header: _filled(pattern, tag)}, **body)
    assert errors(answer) == [(header, "invalid_etag")]


@pytest.mark.parametrize("pattern", ["T", '"x",T', 'W/"x", T', "*"])
def test_a_change_of_what_is_expected(admin: httpx2.Client, path: str, pattern: str) -> None:
    tag = admin.get(path).headers["etag"]
    headers = {"if-match": _filled(pattern, tag)}
    shown(admin.get(path, headers=headers))
    changed = admin.patch(path, json={"model": "new"}, headers=headers)
    assert shown(changed)["model"] == "new"
    assert changed.headers["etag"] not in {tag, ""}
    headers = {"if-match": _filled(pattern, changed.headers["etag"])}
    shown(admin.delete(path, headers=headers), 204)


@pytest.mark.parametrize(
    "headers",
    [
        {"if-match": '"0"'},
        {"if-match": "W/T"},
        {"if-match": '""'},
        {"if-none-match": "T"},
        {"if-none-match": "W/T"},
        {"if-none-match": "*"},
        {"if-match": "T", "if-none-match": "T"},
    ],
)
def test_a_change_of_what_is_not_expected(
    admin: httpx2.Client, path: str, headers: dict[str, str]
) -> None:
    before = admin.get(path)
    headers = {name: _filled(each, before.headers["etag"]) for name, each in headers.items()}
    for answer in (
        admin.patch(path, json={"model": "new"}, headers=headers),
        admin.patch(path, json={"model": "new"}, headers=headers, params={"dry_run": "true"}),
        admin.delete(path, headers=headers),
        admin.delete(path, headers=headers, params={"dry_run": "true"}),
    ):
        assert problem(answer, 412) == "precondition_failed"
    if "if-none-match" not in headers:
        assert problem(admin.get(path, headers=headers), 412) == "precondition_failed"
    assert admin.get(path).content == before.content


def test_tags_on_several_lines_are_one_list(admin: httpx2.Client, path: str) -> None:
    tag = admin.get(path).headers["etag"]
    lines = [("if-match", '"0"'), ("if-match", tag)]
    assert shown(admin.patch(path, json={"model": "new"}, headers=lines))["model"] == "new"


def test_what_is_not_there_is_not_found_whatever_is_asked(admin: httpx2.Client) -> None:
    for headers in ({"if-match": "*"}, {"if-none-match": "*"}):
        answer = admin.patch(f"{LLMS}/{SOME_ID}", json={}, headers=headers)
        assert problem(answer, 404) == "not_found"
        assert problem(admin.get(f"{LLMS}/{SOME_ID}", headers=headers), 404) == "not_found"


def test_a_hostile_list_is_read_quickly(admin: httpx2.Client, path: str) -> None:
    for piece in (",", '"', '"a",', "W/", '"a" "b'):
        before = time.monotonic()
        answer = admin.get(path, headers={"if-match": piece * (20_000 // len(piece))})
        assert answer.status_code in {400, 412}
        assert time.monotonic() - before < 1


def test_two_who_read_the_same_do_not_overwrite_each_other(admin: httpx2.Client, path: str) -> None:
    headers = {"if-match": admin.get(path).headers["etag"]}
    first = admin.patch(path, json={"model": "first"}, headers=headers)
    second = admin.patch(path, json={"model": "second"}, headers=headers)
    assert shown(first)["model"] == shown(admin.get(path))["model"] == "first"
    assert problem(second, 412) == "precondition_failed"
