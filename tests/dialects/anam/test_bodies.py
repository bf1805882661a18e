"""How large a body may be, and how it is announced: 413 and 415."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import error, problems, shown
from tests.dialects.anam.tenants import LLMS, SOME_ID, Tenant, an_llm
from tests.running import RunningDragoman

JSON = {"content-type": "application/json"}
MIB = 1024 * 1024
TOO_LARGE = "The body is larger than 1048576 bytes."


def _in_pieces(size_bytes: int) -> Iterator[bytes]:
    yield from (b"x" * 65536 for _ in range(size_bytes // 65536))


@pytest.mark.parametrize("size_bytes", [MIB + 1, 5 * MIB, 20 * MIB])
def test_a_body_that_is_announced_too_large_is_refused_with_an_answer_that_can_be_read(
    admin: httpx2.Client, llms: str, size_bytes: int
) -> None:
    assert error(admin.post(llms, content=b"x" * size_bytes, headers=JSON), 413) == TOO_LARGE
    shown(admin.get(llms))


def test_a_client_that_sends_everything_before_it_reads_is_not_cut_off(tenant: Tenant) -> None:
    url, key = httpx2.URL(tenant.dragoman.url), tenant.keys["admin"].text
    head = (
        f"POST {LLMS} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {7 * MIB}\r\n"
        "Connection: close\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        connection.sendall(head.encode() + b"x" * (7 * MIB))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b'{"error":"The body is larger than 1048576 bytes."}')


@pytest.mark.parametrize("size_bytes", [2 * MIB, 5 * MIB, 20 * MIB])
def test_a_body_that_grows_too_large_is_refused_with_an_answer_that_can_be_read(
    admin: httpx2.Client, llms: str, size_bytes: int
) -> None:
    assert error(admin.post(llms, content=_in_pieces(size_bytes), headers=JSON), 413) == TOO_LARGE
    shown(admin.get(llms))


def test_a_body_that_is_just_small_enough_is_stored(admin: httpx2.Client) -> None:
    empty = httpx2.Request("POST", "http://x", json=an_llm(description="")).content
    description = "d" * (MIB - len(empty))
    created = admin.post(LLMS, json=an_llm(description=description))
    assert shown(created, 201)["description"] == description
    assert error(admin.post(LLMS, json=an_llm(description=description + "d")), 413) == TOO_LARGE


def test_a_large_body_of_nobody_is_refused_too(dragoman: RunningDragoman) -> None:
    with httpx2.Client(base_url=dragoman.url) as client:
        assert error(client.post(LLMS, content=b"x" * (2 * MIB)), 413) == TOO_LARGE


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
def test_a_body_that_is_not_said_to_be_json_is_refused(
    admin: httpx2.Client, llms: str, media_type: str | None
) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    body = httpx2.Request("POST", "http://x", json=an_llm()).content
    for method, path in (("POST", llms), ("PUT", f"{llms}/{SOME_ID}")):
        answer = admin.request(method, path, content=body, headers=headers)
        assert error(answer, 415) == "Send the body as 'Content-Type: application/json'."


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]
)
def test_json_may_be_announced_with_parameters_and_in_any_case(
    admin: httpx2.Client, media_type: str
) -> None:
    body = httpx2.Request("POST", "http://x", json=an_llm()).content
    shown(admin.post(LLMS, content=body, headers={"content-type": media_type}), 201)


@pytest.mark.parametrize(
    "members",
    [
        {"urls": [{}] * 20_000},
        {"urls": [{"url": "x"}] * 20_000},
        {"displayTags": [1] * 20_000},
    ],
    ids=["unreadable urls", "refused urls", "tags"],
)
def test_a_body_with_very_many_faults_gets_a_short_answer(
    admin: httpx2.Client, members: dict[str, Any]
) -> None:
    answer = admin.post(LLMS, json=an_llm(**members))
    assert problems(answer)
    assert len(answer.content) < 100_000
