"""What every answer of this dialect has to look like."""

from typing import Any

import httpx2

from tests.dialects.anam.answers import named

API = "/api/v1"
LLMS = f"{API}/llms"


def shown(answer: httpx2.Response, status: int = 200) -> Any:
    """Check that an answer succeeded, and give its body."""
    assert answer.status_code == status, answer.text
    named(answer)
    if status == 204:
        assert answer.content == b""
        return None
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def problem(answer: httpx2.Response, status: int) -> str:
    """Check that an answer is a failure without errors of members, and give its code."""
    body = _failure(answer, status)
    assert "errors" not in body
    return str(body["code"])


def errors(answer: httpx2.Response) -> list[tuple[str, str]]:
    """Check that an answer names members at fault, and give their paths and codes."""
    body = _failure(answer, 400)
    assert body["code"] == "invalid"
    assert all(list(each) == ["path", "message", "code"] for each in body["errors"])
    return sorted((each["path"], each["code"]) for each in body["errors"])


def _failure(answer: httpx2.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    known = ["type", "title", "status", "detail", "code", "request_id"]
    assert list(body) in (known, [*known, "errors"])
    assert (body["type"], body["status"]) == ("about:blank", status)
    assert body["request_id"] == named(answer)
    return body
