"""How large a body may be, and how it is announced: 413 and 415."""

import contextlib
import socket
import time
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


@contextlib.contextmanager
def _announcing(tenant: Tenant, size_bytes: int) -> Iterator[socket.socket]:
    """Send the head of a request whose body has this size, and none of the body."""
    url, key = httpx2.URL(tenant.dragoman.url), tenant.keys["admin"].text
    head = (
        f"POST {LLMS} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {size_bytes}\r\n"
        "Connection: close\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 80), timeout=5) as connection:
        connection.sendall(head.encode())
        yield connection


def _read_refusal(connection: socket.socket) -> None:
    answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b'{"error":"The body is larger than 1048576 bytes."}')


def test_a_client_that_sends_everything_before_it_reads_is_not_cut_off(tenant: Tenant) -> None:
    with _announcing(tenant, 7 * MIB) as connection:
        connection.sendall(b"x" * (7 * MIB))
        _read_refusal(connection)


def test_a_client_that_announces_too_much_and_waits_is_answered(tenant: Tenant) -> None:
    with _announcing(tenant, 7 * MIB) as connection:
        _read_refusal(connection)


@pytest.mark.parametrize("size_bytes", [2 * MIB, 5 * MIB, 20 * MIB])
def test_a_body_that_grows_too_large_is_refused_with_an_answer_that_can_be_read(
    admin: httpx2.Client, llms: str, size_bytes: int
) -> None:
    assert error(admin.post(llms, content=_in_pieces(size_bytes), headers=JSON), 413) == TOO_LARGE
    shown(admin.get(llms))


def test_a_body_that_is_just_small_enough_is_stored(admin: httpx2.Client) -> None:
    without = httpx2.Request("POST", "http://x", json=an_llm(ignored="")).content
    ignored = "i" * (MIB - len(without))
    shown(admin.post(LLMS, json=an_llm(ignored=ignored)), 201)
    assert error(admin.post(LLMS, json=an_llm(ignored=ignored + "i")), 413) == TOO_LARGE


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


def test_very_many_faults_hold_a_worker_up_no_longer_than_as_many_faultless_items(
    admin: httpx2.Client,
) -> None:
    def seconds(body: dict[str, Any], status: int) -> float:
        took = []
        for _ in range(2):
            start = time.monotonic()
            assert admin.post(LLMS, json=body).status_code == status
            took.append(time.monotonic() - start)
        return min(took)

    items: list[dict[str, Any]] = [{}] * 120_000
    faultless = seconds(an_llm(ignored=items), 201)
    assert seconds(an_llm(urls=items), 400) < 3 * faultless + 0.2
    assert seconds(an_llm(displayTags=items), 400) < 3 * faultless + 0.2
