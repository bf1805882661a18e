"""Planted secrets come out nowhere: no answer, no log line, no byte on disk.

The log is at its most talkative. Every way that a secret could take is walked once: stored,
rotated, refused, sent in the wrong member, echoed by an upstream, used as an API key.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.background import in_background
from tests.running import RunningDragoman, registration
from tests.scripted_upstream import cut, read_request, send, serving

STORED = "canary-stored-7b1f"
ROTATED = "canary-rotated-91cc"
MISPLACED = "canary-misplaced-3e0a"
REFUSED = "canary-refused-d24b\n"
QUERY = "canary-query-5f77"
CANARIES = (STORED, ROTATED, MISPLACED, REFUSED.strip(), QUERY)

ECHO = json.dumps({"error": {"message": f"bad key {ROTATED}", "code": f"c-{ROTATED}"}}).encode()


class Recorder:
    """A client that keeps every answer, head and body."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self.seen = b""

    def __call__(self, method: str, path: str, **options: object) -> httpx2.Response:
        answer = self._client.request(method, path, **options)  # type: ignore[arg-type]
        self.seen += repr(answer.headers.raw).encode() + answer.content
        return answer


@pytest.fixture
def dragoman(tmp_path: Path) -> Iterator[RunningDragoman]:
    with RunningDragoman.start(tmp_path / "data", workers=2, log_level="debug") as dragoman:
        yield dragoman


def test_planted_secrets_come_out_nowhere(dragoman: RunningDragoman) -> None:
    with _echoing_upstream() as base_url, dragoman.client() as client:
        send_and_record = Recorder(client)
        _walk_every_way(send_and_record, f"{base_url}/chat/completions")
        key = dragoman.new_key("caller")
        assert send_and_record("GET", "/v1/models", headers={"x-api-key": key}).status_code == 200
    # While the server runs, the newest pages are in the write-ahead log; stopping moves them.
    for state in ("running", "stopped"):
        if state == "stopped":
            assert dragoman.stop() == 0
        files = {
            path.name: path.read_bytes()
            for path in dragoman.data_dir.iterdir()
            if path.name != "admin.key"
        }
        assert "dragoman.db" in files
        everything = {**files, "answers": send_and_record.seen, "log": dragoman.log.encode()}
        everything["output"] = dragoman.output.encode()
        for canary in (*CANARIES, key, dragoman.admin_key):
            found_in = [name for name, content in everything.items() if canary.encode() in content]
            assert found_in == [], f"{canary} while {state}"


def _walk_every_way(call: Recorder, url: str) -> None:
    created = call("POST", "/v1/llms", json=registration(url, secret=STORED))
    assert created.status_code == 201
    one = f"/v1/llms/{created.json()['id']}"
    assert call("PUT", one, json={"secret": ROTATED}).status_code == 200
    assert call("GET", one).status_code == 200
    assert call("GET", "/v1/llms").status_code == 200

    for member in ("temperature", "llmFormat", "metadata", "displayName", "urls", "maxTokens"):
        value: object = {"a": MISPLACED} if member == "displayName" else MISPLACED
        refused = call("POST", "/v1/llms", json=registration(url) | {member: value})
        assert refused.status_code == 400, member
    assert call("PUT", one, json={"secret": REFUSED}).status_code == 400
    assert call("PUT", one, json={"secret": [MISPLACED]}).status_code == 400
    assert call("PUT", one, content=f'{{"secret": "{MISPLACED}", }}').status_code == 415
    json_type = {"content-type": "application/json"}
    broken = call("PUT", one, content=f'{{"secret": "{MISPLACED}", }}', headers=json_type)
    assert broken.status_code == 400
    userinfo = url.replace("http://", f"http://me:{MISPLACED}@")
    assert call("POST", "/v1/llms", json=registration(userinfo)).status_code == 400
    assert call("GET", f"/v1/llms?page={QUERY}&api_key={QUERY}").status_code == 400
    for header in ({"authorization": f"Bearer {MISPLACED}"}, {"x-api-key": MISPLACED}):
        assert call("GET", "/v1/llms", headers=header).status_code == 401

    _walk_goodmems_ways(call, url.removesuffix("/chat/completions"))
    chat = {"model": "my-llm", "messages": [{"role": "user", "content": "Hi"}]}
    echoed = call("POST", "/v1/chat/completions", json=chat)
    assert echoed.status_code == 400
    assert echoed.json()["error"]["message"].endswith("bad key ****")
    split = call("POST", "/v1/chat/completions", json=chat)
    assert split.json()["error"]["message"].endswith("bad key ****")
    cut = call("POST", "/v1/chat/completions", json=chat | {"stream": True})
    assert cut.status_code == 502
    wrong = call("POST", "/v1/chat/completions", json={"model": MISPLACED, "messages": []})
    assert wrong.status_code == 404


def _walk_goodmems_ways(call: Recorder, base_url: str) -> None:
    api_key = {"inlineSecret": STORED, "headerName": "X-Key"}
    credentials = {"kind": "CREDENTIAL_KIND_API_KEY", "apiKey": api_key}
    body = {
        "displayName": "another name",
        "providerType": "VLLM",
        "endpointUrl": base_url,
        "modelIdentifier": "tiny",
        "credentials": credentials,
    }
    created = call("POST", "/goodmem/v1/llms", json=body)
    assert created.status_code == 201
    one = f"/goodmem/v1/llms/{created.json()['llm']['llmId']}"
    assert call("POST", "/goodmem/v1/llms", json=body).status_code == 409
    moved = call("PUT", one, json={"endpointUrl": "https://other.example"})
    assert moved.json()["code"] == "SECRET_REQUIRED"
    rotated = credentials | {"apiKey": api_key | {"inlineSecret": ROTATED}}
    assert call("PUT", one, json={"credentials": rotated}).status_code == 200
    assert call("GET", one).status_code == 200
    assert call("GET", "/goodmem/v1/llms").status_code == 200
    assert call("GET", f"{one}?includeCredentials=true").status_code == 403
    for member in (
        "providerType",
        "endpointUrl",
        "credentials",
        "capabilities",
        "maxContextLength",
    ):
        assert call("POST", "/goodmem/v1/llms", json=body | {member: MISPLACED}).status_code == 400
    assert call("GET", f"/goodmem/v1/llms?ownerId={QUERY}&{QUERY}=1").status_code == 400
    assert call("GET", f"/goodmem/v1/llms/{MISPLACED}").status_code == 400
    assert call("GET", "/v1/llms", headers={"x-api-key": MISPLACED}).status_code == 401
    assert call("DELETE", one).status_code == 204


@contextmanager
def _echoing_upstream() -> Iterator[str]:
    """Serve one answer that quotes the credential, one that splits it, one that is cut short."""
    head = b"HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\nconnection: close\r\n"
    whole = head + b"content-length: %d\r\n\r\n" % len(ECHO) + ECHO
    middle = ECHO.index(ROTATED.encode()) + 5
    pieces = [
        b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (ECHO[:middle], ECHO[middle:], b"")
    ]
    scripts = [
        [read_request(), send(whole)],
        [read_request(), send(head + b"transfer-encoding: chunked\r\n\r\n"), *map(send, pieces)],
        [
            read_request(),
            send(b"HTTP/1.1 401 No\r\nx-echo: " + ROTATED.encode() + b"\r\n\r\n"),
            cut(),
        ],
    ]
    with in_background(serving(*scripts)) as upstream:
        yield f"{upstream.url}/v1"
