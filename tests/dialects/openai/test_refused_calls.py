"""Calls that do not reach an upstream: each says whose fault it is, in OpenAI's shape."""

from typing import Any

import httpx2
import pytest

from tests.dialects.openai.conftest import Upstreams
from tests.running import RunningDragoman, registration
from tests.scripted_upstream import read_request

CHAT = "/v1/chat/completions"
JSON = {"content-type": "application/json"}


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    """Read the error and check the shape that every one has."""
    assert answer.headers["x-request-id"].startswith("req_")
    body = answer.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["message"]
    return error


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"null", "invalid_json"),
        (b'{"model": "a"} x', "invalid_json"),
        (b'{"model": "\xff"}', "invalid_json"),
        (b'{"model": "a", "model": "b"}', "duplicate_member"),
        (b'{"model":"a","mod\\u0065l":"b"}', "duplicate_member"),
        (b'{"model": "a", "x": ' + b"[" * 64 + b"]" * 64 + b"}", "too_deep"),
        (b'{"x": ' + b"[" * 100_000, "too_deep"),
        (b"{}", "invalid"),
        (b'{"model": ""}', "invalid"),
        (b'{"model": null}', "invalid"),
        (b'{"model": 1}', "invalid"),
        (b'{"model": {"a": 1}}', "invalid"),
        (b'{"model": "a\\u0000b"}', "invalid"),
    ],
)
def test_a_body_that_cannot_be_used_is_400(client: httpx2.Client, body: bytes, code: str) -> None:
    answer = client.post(CHAT, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.headers["x-dragoman-fault"] == "caller"
    error = error_of(answer)
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    assert error["param"] == ("model" if code == "invalid" else None)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_does_not_say_it_is_json_is_415(client: httpx2.Client, media_type: str) -> None:
    answer = client.post(CHAT, content=b"{}", headers={"content-type": media_type})
    assert answer.status_code == 415
    assert error_of(answer)["code"] == "unsupported_media_type"


def test_a_body_over_the_limit_is_413_and_its_sender_can_read_that(tmp_path: Any) -> None:
    with (
        RunningDragoman.start(tmp_path / "data", call_body_max_bytes="1024") as dragoman,
        dragoman.client() as client,
    ):
        for content in (b"x" * 2000, iter([b"x" * 1_000_000] * 5)):
            answer = client.post(CHAT, content=content, headers=JSON)
            assert answer.status_code == 413
            assert error_of(answer)["code"] == "too_large"
            at_the_limit = b'{"model":"a"}'.ljust(1024)
        assert client.post(CHAT, content=at_the_limit, headers=JSON).status_code == 404


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Missing API key"),
        ({"authorization": "Basic YTpi"}, "Use 'Authorization: Bearer <key>'"),
        ({"authorization": "Bearer nonsense"}, "Invalid API key."),
        ({"x-api-key": "dgm_" + "a" * 39}, "Invalid API key."),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/v1/models/my-llm"])
def test_without_a_key_that_verifies_it_is_401(
    dragoman: RunningDragoman, path: str, headers: dict[str, str], message: str
) -> None:
    method, body = ("POST", b"{}") if path == CHAT else ("GET", b"")
    answer = httpx2.request(method, f"{dragoman.url}{path}", headers=headers, content=body)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-dragoman-fault"] == "caller"
    error = error_of(answer)
    assert error["type"] == "authentication_error"
    assert error["message"].startswith(message)


def test_who_may_call_and_who_may_list(dragoman: RunningDragoman) -> None:
    may = {"admin": (404, 200), "editor": (404, 200), "viewer": (403, 403), "caller": (404, 200)}
    for role, expected in may.items():
        with dragoman.client(dragoman.new_key(role)) as client:
            called = client.post(CHAT, json={"model": "nothing"})
            listed = client.get("/v1/models")
            assert (called.status_code, listed.status_code) == expected, role
            if role == "viewer":
                assert error_of(called)["type"] == "permission_error"


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", CHAT, 405, "POST"),
        ("DELETE", CHAT, 405, "POST"),
        ("POST", "/v1/models", 405, "GET"),
        ("GET", "/v1/models/nothing", 404, None),
        ("POST", f"{CHAT}/more", 404, None),
        ("GET", "/v1/nothing", 404, None),
        ("GET", "/", 404, None),
    ],
)
def test_other_paths_and_methods(
    client: httpx2.Client, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers.get("allow") == allow
    error_of(answer)


@pytest.mark.parametrize("wire_format", ["none", "gemini", "azure_openai"])
def test_an_llm_of_another_wire_format_is_not_called(
    client: httpx2.Client, upstream: Upstreams, wire_format: str
) -> None:
    with upstream(read_request(), llmFormat=wire_format) as (name, server):
        answer = client.post(CHAT, json={"model": name})
        assert answer.status_code == 400
        assert error_of(answer)["code"] == "protocol_not_supported"
        assert server.peers == []
    assert name not in [model["id"] for model in client.get("/v1/models").json()["data"]]


def test_a_name_that_several_have_is_refused_with_their_ids(
    client: httpx2.Client, upstream: Upstreams
) -> None:
    with upstream(read_request()) as (name, _), upstream(read_request(), displayName=name):
        answer = client.post(CHAT, json={"model": name})
        listed = client.get("/v1/llms", params={"search": name, "perPage": 100}).json()["data"]
        ids = [llm["id"] for llm in listed if llm["displayName"] == name]
        assert answer.status_code == 400
        error = error_of(answer)
        assert error["code"] == "ambiguous_model"
        assert len(ids) == 2
        assert all(llm_id in error["message"] for llm_id in ids)
        models = [model["id"] for model in client.get("/v1/models").json()["data"]]
        assert set(ids) <= set(models)
        assert name not in models


def test_an_address_that_may_not_be_called_is_the_operators_fault(tmp_path: Any) -> None:
    """The policy is enforced at use: this LLM was saved while the address was allowed."""
    data_dir = tmp_path / "data"
    with RunningDragoman.start(data_dir) as open_one, open_one.client() as client:
        body = registration("http://127.0.0.1:9/v1/chat/completions")
        assert client.post("/v1/llms", json=body).status_code == 201
    with RunningDragoman.start(data_dir, egress_allow="") as closed, closed.client() as client:
        answer = client.post(CHAT, json={"model": "my-llm"})
        assert answer.status_code == 502
        assert answer.headers["x-dragoman-fault"] == "operator"
        error = error_of(answer)
        assert error["code"] == "egress_refused"
        assert "DRAGOMAN_EGRESS_ALLOW" in error["message"]
        saved = client.post("/v1/llms", json=body)
        assert saved.status_code == 400
        assert saved.json()["details"][0]["path"] == "urls.0.url"
        assert "DRAGOMAN_EGRESS_ALLOW" in saved.json()["details"][0]["message"]


def test_an_llm_that_leads_back_here_is_called_once(
    dragoman: RunningDragoman, client: httpx2.Client
) -> None:
    body = registration(
        f"{dragoman.url}{CHAT}", displayName="mirror", modelName="mirror", secret=dragoman.admin_key
    )
    assert client.post("/v1/llms", json=body).status_code == 201
    answer = client.post(CHAT, json={"model": "mirror"})
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "loop_detected"
    assert error_of(answer)["message"].count("The upstream answered") == 1


def test_llms_of_two_installations_that_lead_to_each_other_are_called_once_each(
    dragoman: RunningDragoman, client: httpx2.Client, tmp_path: Any
) -> None:
    with RunningDragoman.start(tmp_path / "data") as other, other.client() as other_client:
        for here, there in ((client, other), (other_client, dragoman)):
            body = registration(
                f"{there.url}{CHAT}", displayName="far", modelName="far", secret=there.admin_key
            )
            assert here.post("/v1/llms", json=body).status_code == 201
        answer = client.post(CHAT, json={"model": "far"})
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "loop_detected"
    assert error_of(answer)["message"].count("The upstream answered") == 2


def test_who_may_not_call_is_told_before_the_body_is_read(dragoman: RunningDragoman) -> None:
    with dragoman.client(dragoman.new_key("viewer", "reader")) as client:
        answer = client.post(CHAT, content=b"no JSON at all", headers=JSON)
    assert answer.status_code == 403
