"""What a person is told when a server cannot be called, or is not what it should be."""

import json
import socket
from typing import Any

import pytest

from dragoman.cli.refusals import refusal
from tests.background import in_background
from tests.cli.calling import A_KEY, Caller, answering
from tests.running import RunningDragoman
from tests.scripted_upstream import read_request, reset, send, serving

HTML = "<html><title>Welcome to nginx!</title></html>"
PROBLEM = "application/problem+json"


def problem(**members: Any) -> str:
    return json.dumps({"title": "No", "detail": "It is so.", "code": "so"} | members)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = Caller(f"http://127.0.0.1:{port}").refused("llm", "list")
    assert said.startswith(f"Cannot reach Dragoman at http://127.0.0.1:{port}: ")
    assert "'dragoman serve'" in said
    assert "--url" in said


def test_a_name_that_leads_nowhere() -> None:
    said = Caller("http://nothing.invalid").refused("llm", "list")
    assert said.startswith("Cannot reach Dragoman at http://nothing.invalid: ")


def test_no_answer_in_time() -> None:
    with in_background(serving(read_request())) as fake:
        said = Caller(fake.url).refused("llm", "list", "--timeout", "0.5")
    assert said == (
        f"{fake.url} did not answer within 0.5 s. Try again, or wait longer with --timeout."
    )


def test_a_connection_that_breaks() -> None:
    half = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    with in_background(serving(read_request(), send(half), reset())) as fake:
        said = Caller(fake.url).refused("llm", "list")
    assert said.startswith(f"The connection to {fake.url} broke: ")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8080",
        "ftp://x",
        "http://",
        f"http://{A_KEY}@x",
        "http://x?a=b",
        "http://[",
        "http://\N{SNOWMAN}..x",
    ],
)
def test_an_address_that_is_none_is_not_repeated(url: str) -> None:
    said = Caller("").refused("llm", "list", "--url", url)
    assert said.startswith("The server's address must be like http://127.0.0.1:8080")
    assert A_KEY not in said


def test_no_key() -> None:
    said = Caller("", "").refused("llm", "list")
    assert said.startswith("No API key for http://127.0.0.1:8080. Set DRAGOMAN_API_KEY")


def test_a_wrong_key(server: RunningDragoman) -> None:
    said = Caller(server.url).refused("llm", "list")
    assert said.startswith(f"The API key was refused by {server.url}. ")
    assert A_KEY not in said


def test_an_address_may_have_a_path() -> None:
    with answering('{"items": []}') as fake:
        Caller(f"{fake.url}/llms/").done("llm", "list", "--json")
    assert fake.requests[0].head.startswith(b"GET /llms/api/v1/llms?")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (HTML, "text/html", "200 OK"),
        (HTML, "text/html", "404 Not Found"),
        ("[]", "application/json", "200 OK"),
        ('{"items": 7}', "application/json", "200 OK"),
        ("[" * 100_000, "application/json", "200 OK"),
    ],
)
def test_a_server_that_is_not_dragoman(body: str, kind: str, status: str) -> None:
    with answering(body, status=status, kind=kind) as fake:
        said = Caller(fake.url).refused("llm", "list", "--json")
    assert said.startswith(f"What answers at {fake.url} is not Dragoman (status ")
    assert said.endswith("Give its address with --url or in DRAGOMAN_URL.")


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with (
        answering("{}") as other,
        answering("", status="302 Found", headers=f"location: {other.url}/x\r\n") as fake,
    ):
        said = Caller(fake.url).refused("llm", "list")
    assert said.startswith(f"{fake.url} redirects to another address.")
    assert other.requests == []


def test_a_proxy_never_sees_a_key_for_this_machine() -> None:
    with answering('{"items": []}') as proxy, answering('{"items": []}') as fake:
        Caller(fake.url).done("llm", "list", "--json", HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url)
    assert proxy.requests == []


def test_somebody_was_faster() -> None:
    llm = {"id": "01a1fe7e-3f91-76c9-9da8-bd9b43af25ac", "display_name": "x", "revision": 3}
    with in_background(
        serving(
            [read_request(), send(_answer("200 OK", json.dumps(llm)))],
            [read_request(), send(_answer("412 Precondition Failed", problem()))],
        )
    ) as fake:
        said = Caller(fake.url).refused("llm", "update", llm["id"], "--model", "y")  # type: ignore[arg-type]
    assert said.startswith("'x' (01a1fe7e-3f91-76c9-9da8-bd9b43af25ac) was changed by somebody")
    assert "'dragoman llm get 01a1fe7e-3f91-76c9-9da8-bd9b43af25ac'" in said
    assert fake.requests[1].header("if-match") == b'"3"'


def _answer(status: str, body: str) -> bytes:
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()


def told(status: int, body: str, kind: str = PROBLEM, *, is_api: bool = True) -> str:
    """Give the message for an answer."""
    return str(refusal("http://here", status, kind, body.encode(), is_api=is_api))


NO_PATH = '{"error": {"message": "There is nothing at this path.", "code": "not_found"}}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, problem(), PROBLEM, "The API key was refused by http://here."),
        (403, problem(), PROBLEM, "It is so. Use a key of a role that may;"),
        (404, problem(), PROBLEM, "It is so."),
        (404, NO_PATH, "application/json", "The server at http://here has no /api/v1:"),
        (409, problem(detail="It is taken"), PROBLEM, "It is taken."),
        (413, problem(detail=None), PROBLEM, "The server refused this (status 413)."),
        (429, problem(), PROBLEM, "It is so. Try again in a moment."),
        (500, problem(request_id="req_1"), PROBLEM, "It is so. (status 500; its log knows it as"),
        (502, HTML, "text/html", "Nothing is ready behind http://here (status 502)."),
        (503, "", "", "Nothing is ready behind http://here (status 503)."),
        (418, "tea", "text/plain", "What answers at http://here is not Dragoman (status 418,"),
        (404, '{"detail": "Not Found"}', "application/json", "The server at http://here has no"),
    ],
)
def test_each_status_has_its_sentence(status: int, body: str, kind: str, message: str) -> None:
    assert told(status, body, kind).startswith(message)


@pytest.mark.parametrize("status", [400, 422])
def test_every_wrong_member_is_named_on_one_line(status: int) -> None:
    errors = [
        {"path": "endpoints.0.url", "message": "must begin with https://."},
        {"path": ["sampling", "top_p"], "message": "too\nlarge\x1b[31m"},
        {"message": "and more"},
        {"path": None},
        "nonsense",
    ]
    assert told(status, problem(errors=errors)) == (
        "The server does not take this: endpoints.0.url: must begin with https://; "
        "sampling.top_p: too large [31m; and more; is not valid."
    )
    assert told(status, problem(errors=[])) == "It is so."


def test_calls_say_what_the_gateway_says() -> None:
    assert told(404, NO_PATH, "application/json", is_api=False) == "There is nothing at this path."


def test_a_long_message_is_cut() -> None:
    assert len(told(409, problem(detail="x" * 10_000))) < 700
