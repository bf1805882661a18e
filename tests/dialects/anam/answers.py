"""What every answer of this dialect has to look like."""

import re
import time
from collections.abc import Callable
from typing import Any

import httpx2

REQUEST_ID = re.compile(r"req_[0-9a-f]{12}[0-9a-f]{8}")
WORKER_PREFIX_LENGTH = len("req_") + 12
"""The first characters of a request id are the same for all requests of one worker."""


def named(answer: httpx2.Response) -> str:
    """Check that an answer names its request, and give the name."""
    request_id: str = answer.headers["x-request-id"]
    assert REQUEST_ID.fullmatch(request_id)
    return request_id


def shown(answer: httpx2.Response, status: int = 200) -> Any:
    """Check that an answer succeeded, and give its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    named(answer)
    return answer.json()


def error(answer: httpx2.Response, status: int) -> str:
    """Check that an answer is an error in Anam's shape, and give its text."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    named(answer)
    body = answer.json()
    assert set(body) == {"error"}
    assert isinstance(body["error"], str)
    return body["error"]


def problems(answer: httpx2.Response) -> list[tuple[str, str]]:
    """Check that an answer is Anam's validation body, and give its paths and codes."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/json"
    named(answer)
    body = answer.json()
    assert list(body) == ["error", "details", "summary"]
    assert body["error"] == "Validation error"
    assert all(list(detail) == ["path", "message", "code"] for detail in body["details"])
    assert body["summary"] == "; ".join(
        f"{detail['path']}: {detail['message']}" for detail in body["details"]
    )
    return [(detail["path"], detail["code"]) for detail in body["details"]]


def worker_of(answer: httpx2.Response) -> str:
    """Tell which worker gave an answer."""
    return named(answer)[:WORKER_PREFIX_LENGTH]


def within_a_second(is_so: Callable[[], bool]) -> bool:
    """Look again and again until it is so; False if it is not after one second."""
    deadline = time.monotonic() + 1
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
