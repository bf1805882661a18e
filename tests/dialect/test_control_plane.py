"""Who may not is answered before their body is read, and no body keeps others waiting."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from dragoman.authz.check import Actor
from dragoman.authz.policy import Action, Administration, Permission, Reach, permission
from dragoman.dialect import strict_json
from dragoman.dialect.bodies import LARGE_BODY_BYTES, Bodies
from dragoman.dialect.control_plane import ControlPlane
from dragoman.dialect.record import Rendered
from dragoman.dialect.route import needs, new_application
from dragoman.dialect.status import status_of
from dragoman.domain.errors import DragomanError
from tests.fakes.authenticator import FakeAuthenticator

MAX_BYTES = 2 * LARGE_BODY_BYTES
JSON = {"content-type": "application/json"}
BROKEN = b"{"
SMALL = b'{"name": "small"}'
LARGE = SMALL + b" " * LARGE_BODY_BYTES
HANG_S = 20


class Named(BaseModel):
    name: str


async def echo(body: Named) -> str:
    return body.name


async def nothing() -> None:
    pass


def render(error: DragomanError) -> Rendered:
    return Rendered(status_of(error), error.code)


def serving(*permissions: Permission) -> httpx2.AsyncClient:
    """Serve somebody who may do this."""
    app = new_application()
    app.add_api_route("/llms", echo, methods=["POST"], dependencies=[needs(Action.CREATE)])
    app.add_api_route("/llms", nothing, methods=["GET"], dependencies=[needs(Action.LIST)])
    app.add_api_route(
        "/keys", echo, methods=["PATCH"], dependencies=[needs(Administration.ORGANIZATION)]
    )
    who = Actor("org", "principal", "key", frozenset(permissions))
    authenticator: Any = FakeAuthenticator(who)
    plane: Any = ControlPlane(
        app, authenticator=authenticator, render=render, bodies=Bodies(MAX_BYTES)
    )
    transport = httpx2.ASGITransport(plane)
    return httpx2.AsyncClient(transport=transport, base_url="http://here", headers=JSON)


CREATE, LIST = permission(Action.CREATE, Reach.ANY), permission(Action.LIST, Reach.ANY)


@pytest.fixture
async def editor() -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(CREATE, LIST) as client:
        yield client


@pytest.mark.parametrize("method_and_path", [("POST", "/llms"), ("PATCH", "/keys")])
@pytest.mark.parametrize("content", [SMALL, BROKEN, b"[]", b'{"name": 1}', LARGE], ids=len)
async def test_who_may_not_is_told_so_whatever_the_body_is(
    monkeypatch: pytest.MonkeyPatch, method_and_path: tuple[str, str], content: bytes
) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(strict_json, "loads", read.append)
    async with serving(LIST) as client:
        for kind in JSON["content-type"], "text/plain":
            answer = await client.request(
                *method_and_path, content=content, headers={"content-type": kind}
            )
            assert (answer.status_code, answer.json()) == (403, "forbidden")
    assert read == []


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/nothing", 404), ("PUT", "/llms", 405)]
)
async def test_where_there_is_no_route_no_body_is_read(
    editor: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    for content in (SMALL, BROKEN):
        answer = await editor.request(method, path, content=content)
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b" " * (MAX_BYTES + 1), "application/json", 413, "too_large"),
        (SMALL, "text/plain", 415, "unsupported_media_type"),
        (BROKEN, "application/json", 400, "invalid_json"),
        (BROKEN + b" " * LARGE_BODY_BYTES, "application/json", 400, "invalid_json"),
        (b"[" * LARGE_BODY_BYTES + b"[", "application/json", 400, "too_deep"),
        (b"[]", "application/json", 400, "invalid_json"),
        (b"", "application/json", 400, "invalid_json"),
        (b'{"name": 1}', "application/json", 400, "invalid"),
    ],
)
async def test_who_may_is_told_what_is_wrong_with_the_body(
    editor: httpx2.AsyncClient, content: bytes, kind: str, status: int, code: str
) -> None:
    answer = await editor.post("/llms", content=content, headers={"content-type": kind})
    assert (answer.status_code, answer.json()) == (status, code)


async def test_a_body_where_none_belongs_is_read_all_the_same(editor: httpx2.AsyncClient) -> None:
    for content, status in ((SMALL, 200), (BROKEN, 400)):
        assert (await editor.request("GET", "/llms", content=content)).status_code == status


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
async def test_what_a_route_gets_has_been_parsed_once(
    editor: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    read: list[bytes] = []

    def loads(body: bytes) -> Any:
        read.append(body)
        return {"name": "as it was read"}

    monkeypatch.setattr(strict_json, "loads", loads)
    assert (await editor.post("/llms", content=content)).json() == "as it was read"
    assert read == [content]


class SlowReading:
    """Reads each large body for as long as a test wants, and small ones at once."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.may_end = threading.Event()

    def loads(self, body: bytes) -> Any:
        if len(body) > LARGE_BODY_BYTES:
            self.began.release()
            assert self.may_end.wait(HANG_S)
        return {"name": "read"}


async def test_while_large_bodies_are_read_in_turn_everybody_else_is_served(
    editor: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowReading()
    monkeypatch.setattr(strict_json, "loads", slow.loads)
    async with asyncio.timeout(HANG_S):
        large = [asyncio.create_task(editor.post("/llms", content=LARGE)) for _ in range(3)]
        try:
            assert await asyncio.to_thread(slow.began.acquire, timeout=HANG_S)
            assert (await editor.get("/llms")).status_code == 200
            assert (await editor.post("/llms", content=SMALL)).json() == "read"
            assert not await asyncio.to_thread(slow.began.acquire, timeout=0.1)
        finally:
            slow.may_end.set()
        assert [(await each).json() for each in large] == ["read"] * 3
