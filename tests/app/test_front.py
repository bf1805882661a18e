"""Every request goes to the dialect that its path names, and to no other."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from dragoman.app.front import Front
from dragoman.dialect.exchange import send_json
from dragoman.dialect.record import AsgiApp, Dialect, Receive, Rendered, Scope, Send
from dragoman.domain.errors import DragomanError
from tests.running import RunningDragoman

NOTHING = (404, {"error": "There is nothing at this path."})


def echoing(name: str) -> AsgiApp:
    """Make a dialect that answers with its own name and the path that it sees."""

    async def app(asgi: Scope, receive: Receive, send: Send) -> None:
        await send_json(send, 200, {name: asgi["path"]})

    return app


async def never(_: Scope, __: Receive, ___: Send) -> None:
    """Stand for what must not be reached."""
    raise AssertionError("this dialect should not have been asked")


def front(*, ready: bool = True) -> Front:
    async def readiness() -> tuple[bool, dict[str, str]]:
        return ready, {"database": "ok" if ready else "unreachable"}

    def render(error: DragomanError) -> Rendered:
        return Rendered(404, {"error": error.message})

    return Front(
        [
            Dialect(
                name="anam",
                paths={"/v1/llms": echoing("anam")},
                prefix="/anam",
                app=echoing("anam below its prefix"),
            ),
            Dialect(
                name="openai",
                paths={
                    "/v1/chat/completions": echoing("chat"),
                    "/v1/models": echoing("models"),
                },
            ),
            Dialect(
                name="goodmem",
                paths={"/v1/llms": echoing("goodmem"), "/v1/ping": echoing("ping")},
                header=b"x-api-key",
                prefix="/goodmem",
                app=echoing("goodmem below its prefix"),
            ),
            Dialect(name="other", paths={}, prefix="/other", app=never),
        ],
        readiness=readiness,
        fallback=render,
    )


def messages(
    server: Front, path: str, kind: str = "http", headers: Sequence[tuple[bytes, bytes]] = ()
) -> list[Any]:
    """Send a request for a path (decoded, as a server hands it on)."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the front reads no body")

    async def send(message: Any) -> None:
        sent.append(message)

    asgi = {"type": kind, "method": "GET", "path": path, "headers": list(headers)}
    asyncio.run(server(asgi, receive, send))
    return sent


def ask(
    server: Front, path: str, kind: str = "http", headers: Sequence[tuple[bytes, bytes]] = ()
) -> tuple[int, Any] | None:
    """Send a request, and give status and body; None for no answer."""
    sent = messages(server, path, kind, headers)
    if not sent:
        return None
    head, body = sent
    return head["status"], msgspec.json.decode(body["body"])


BELOW = "anam below its prefix"


@pytest.mark.parametrize(
    ("path", "app", "seen"),
    [
        ("/anam/v1/llms", BELOW, "/v1/llms"),
        ("/anam/v1/llms/1", BELOW, "/v1/llms/1"),
        ("/anam", BELOW, "/"),
        ("/anam/", BELOW, "/"),
        ("/anam//v1/llms", BELOW, "//v1/llms"),
        ("/anam/../v1/models", BELOW, "/../v1/models"),
        ("/anam/anam/v1/llms", BELOW, "/anam/v1/llms"),
        ("/anam/v1/models", BELOW, "/v1/models"),
        ("/anam/v1/chat/completions", BELOW, "/v1/chat/completions"),
        ("/anam/healthz", BELOW, "/healthz"),
        ("/v1/llms", "anam", "/v1/llms"),
        ("/v1/llms/", "anam", "/v1/llms/"),
        ("/v1/llms/1", "anam", "/v1/llms/1"),
        ("/v1/llms/../models", "anam", "/v1/llms/../models"),
        ("/v1/models", "models", "/v1/models"),
        ("/v1/models/my/llm", "models", "/v1/models/my/llm"),
        ("/v1/models/../llms", "models", "/v1/models/../llms"),
        ("/v1/chat/completions", "chat", "/v1/chat/completions"),
        ("/v1/chat/completions/", "chat", "/v1/chat/completions/"),
    ],
)
def test_a_path_goes_where_it_belongs_and_a_prefix_is_taken_off(
    path: str, app: str, seen: str
) -> None:
    assert ask(front(), path) == (200, {app: seen})


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "//", "*", "/v1", "/v1/", "/v1/chat", "anam/v1/llms"),
        *("/anamx", "/anamx/v1/llms", "/Anam/v1/llms", "/ANAM", "/V1/llms"),
        *("//anam/v1/llms", "/./anam/v1/llms", "//v1/models", "/v1//models"),
        *("/v1/llmsx", "/v1/modelsx", "/v1/chat/completionsx", "/openai/v1/models"),
        *("/healthz/", "/healthzx", "/readyz/", "/healthz/../v1/models"),
    ],
)
def test_all_else_is_nothing(path: str) -> None:
    assert ask(front(), path) == NOTHING


@pytest.mark.parametrize(
    ("path", "headers", "app"),
    [
        ("/v1/llms", [], "anam"),
        ("/v1/llms", [(b"authorization", b"Bearer k")], "anam"),
        ("/v1/llms", [(b"x-api-keys", b"k"), (b"", b"")], "anam"),
        ("/v1/llms", [(b"x-api-key", b"k")], "goodmem"),
        ("/v1/llms", [(b"x-api-key", b"")], "goodmem"),
        ("/v1/llms", [(b"authorization", b"Bearer k"), (b"x-api-key", b"k")], "goodmem"),
        ("/v1/llms/1", [(b"x-api-key", b"k")], "goodmem"),
        ("/v1/llms/1", [], "anam"),
        ("/v1/ping", [], "ping"),
        ("/v1/ping", [(b"x-api-key", b"k")], "ping"),
        ("/v1/models", [(b"x-api-key", b"k")], "models"),
        ("/anam/v1/llms", [(b"x-api-key", b"k")], BELOW),
    ],
)
def test_a_path_that_dialects_share_is_the_one_whose_header_is_there(
    path: str, headers: list[tuple[bytes, bytes]], app: str
) -> None:
    answer = ask(front(), path, headers=headers)
    assert answer is not None
    assert list(answer[1]) == [app]


@pytest.mark.parametrize("headers", [(b"", b""), (b"x-a", b"x-a"), (b"x-a", b"x-b")])
def test_dialects_that_share_a_path_and_leave_it_open_whose_it_is_cannot_be_served(
    headers: tuple[bytes, bytes],
) -> None:
    sharing = [
        Dialect(name=f"dialect {number}", paths={"/v1/llms": never}, header=header)
        for number, header in enumerate(headers)
    ]

    async def ready() -> tuple[bool, dict[str, str]]:
        return True, {}

    with pytest.raises(RuntimeError, match="dialects"):
        Front(sharing, readiness=ready, fallback=lambda error: Rendered(404, error.message))


def test_health_and_readiness_are_the_fronts_own() -> None:
    assert ask(front(), "/healthz") == (200, {"status": "ok"})
    assert ask(front(), "/readyz") == (200, {"status": "ready", "database": "ok"})
    not_ready = {"status": "not ready", "database": "unreachable"}
    assert ask(front(ready=False), "/readyz") == (503, not_ready)
    assert ask(front(ready=False), "/healthz") == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/nothing"])
def test_every_answer_of_the_front_has_a_name(path: str) -> None:
    heads = [dict(messages(front(), path)[0]["headers"]) for _ in range(2)]
    assert all(head[b"x-request-id"].startswith(b"req_") for head in heads)
    assert heads[0][b"x-request-id"] != heads[1][b"x-request-id"]
    assert all(b"x-dragoman-fault" not in head for head in heads)


def test_whose_fault_it_is_that_it_is_not_ready() -> None:
    head = dict(messages(front(ready=False), "/readyz")[0]["headers"])
    assert head[b"x-dragoman-fault"] == b"operator"


def test_what_is_not_http_gets_no_answer() -> None:
    assert ask(front(), "/v1/models", kind="websocket") is None


# --- The shipped server, which decodes paths -------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    with RunningDragoman.start(tmp_path_factory.mktemp("front") / "data") as server:
        yield server


def sent_as_it_stands(server: RunningDragoman, target: str) -> tuple[int, Any]:
    """Send a request whose target no client library has tidied up."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    head = (
        f"GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n"
        f"authorization: Bearer {server.admin_key}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), msgspec.json.decode(body)


@pytest.mark.parametrize(
    ("target", "error"),
    [
        # Anam's errors are texts, OpenAI's are objects with a code: the shape tells who answered.
        ("/%61nam/v1/models", "There is nothing at this path."),
        ("/anam/..%2fv1/models", "There is nothing at this path."),
        ("/anam/%2e%2e/v1/models", "There is nothing at this path."),
        ("/anam/../v1/models", "There is nothing at this path."),
        ("/anam%2fv1%2fmodels", "There is nothing at this path."),
        ("/anam/v1/llms/%2e%2e", "There is no LLM with this id."),
        ("/anam/v1/llms/..%2fmodels", "There is nothing at this path."),
        ("/anam/v1/llms/%00", "There is no LLM with this id."),
        ("/anam/v1/llms/%ff%fe", "There is no LLM with this id."),
        ("/v1/llms%2f..%2fmodels", "There is nothing at this path."),
        ("/v1/models/..%2fllms", "model_not_found"),
        ("/v1/models/%2e%2e/llms", "model_not_found"),
        ("/v1/models%2f..%2fllms", "model_not_found"),
        ("/v1/models/%00", "model_not_found"),
        ("/v1/%6dodels%3f", "not_found"),
        ("/%2fv1/models", "not_found"),
        ("//v1/models", "not_found"),
        ("/v1/models;x", "not_found"),
    ],
)
def test_a_disguised_path_reaches_no_other_dialect(
    server: RunningDragoman, target: str, error: str
) -> None:
    status, body = sent_as_it_stands(server, target)
    shown = body["error"] if isinstance(body["error"], str) else body["error"]["code"]
    assert (status, shown) == (404, error)


def test_a_path_in_other_letters_is_the_same_path(server: RunningDragoman) -> None:
    assert sent_as_it_stands(server, "/v1/%6dodels") == (200, {"object": "list", "data": []})
    status, page = sent_as_it_stands(server, "/an%61m/v1/llms?perPage=1")
    assert (status, page["data"]) == (200, [])
