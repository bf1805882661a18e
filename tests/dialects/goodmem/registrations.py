"""How LLMs are registered through GoodMem's API in these tests, and what its answers look like."""

import re
from typing import Any

import httpx2

from dragoman.registry.keys import NewKey
from tests.running import RunningDragoman

LLMS = "/goodmem/v1/llms"
SOME_ID = "01999999-0000-7000-8000-000000000000"
"""The id of nothing."""
OPENAI = "https://api.openai.com/v1"
NAMED = re.compile(r"(?:^|; )([A-Za-z0-9.]+): ")
REQUEST_ID = re.compile(r"req_[0-9a-f]{20}")


def client(dragoman: RunningDragoman, key: NewKey) -> httpx2.Client:
    """Give an HTTP client that carries a key as GoodMem's clients do."""
    return httpx2.Client(
        base_url=dragoman.url, headers={"x-api-key": key.text}, timeout=30, verify=False
    )


def credentials(**api_key: Any) -> dict[str, Any]:
    """Write an API key; one is made up unless a secret or a reference is given."""
    if "secretRef" not in api_key:
        api_key.setdefault("inlineSecret", "sk-one")
    return {"kind": "CREDENTIAL_KIND_API_KEY", "apiKey": api_key}


def an_llm(**members: Any) -> dict[str, Any]:
    """Write the body that registers an LLM at OpenAI, but for the given members."""
    required = {
        "displayName": "my-llm",
        "providerType": "OPENAI",
        "endpointUrl": OPENAI,
        "modelIdentifier": "gpt-5-nano",
        "credentials": credentials(),
    }
    return required | members


def shown(answer: httpx2.Response, status: int = 200) -> Any:
    """Check that an answer succeeded, and give its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert REQUEST_ID.fullmatch(answer.headers["x-request-id"])
    return answer.json()


def created(http: httpx2.Client, path: str = LLMS, **members: Any) -> Any:
    """Register an LLM, and give it as it is shown."""
    return shown(http.post(path, json=an_llm(**members)), 201)["llm"]


def error(answer: httpx2.Response, status: int, code: str) -> str:
    """Check that an answer is an error in GoodMem's shape, and give its text."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert REQUEST_ID.fullmatch(answer.headers["x-request-id"])
    body = answer.json()
    assert list(body) == ["error", "code"]
    assert body["code"] == code
    assert isinstance(body["error"], str)
    return body["error"]


def invalid(answer: httpx2.Response) -> list[str]:
    """Check that an answer is about members of the request, and give their names."""
    return NAMED.findall(error(answer, 400, "INVALID_ARGUMENT"))
