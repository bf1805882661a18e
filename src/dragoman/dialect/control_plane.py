"""The way into every registry dialect: size, then credential, then JSON, then the framework."""

import contextlib
import logging
import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial
from itertools import takewhile
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from dragoman.authz.check import Actor, Verified, permit, scope
from dragoman.authz.policy import Action, Administration
from dragoman.dialect import strict_json
from dragoman.dialect.credentials import api_keys
from dragoman.dialect.exchange import (
    JSON,
    JSON_OR_PATCH,
    CallerGone,
    read_body,
    refuse_announced,
    require_json,
    send_json,
    send_rendered,
)
from dragoman.dialect.record import AsgiApp, Receive, Render, Rendered, Scope, Send
from dragoman.dialect.request_id import HEADER, new_request_id
from dragoman.domain.errors import (
    CallerError,
    DragomanError,
    Internal,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Problem,
)
from dragoman.domain.ports import Headers
from dragoman.registry.authentication import Authenticator
from dragoman.vault.api_key import PresentedKey

log = logging.getLogger(__name__)


class ControlPlane:
    """Reads, authenticates and checks a request before its dialect's FastAPI application runs."""

    def __init__(
        self, app: FastAPI, *, authenticator: Authenticator, render: Render, max_body_bytes: int
    ) -> None:
        _require_permissions(app)
        _install_errors(app, render)
        self._app: AsgiApp = app
        self._authenticator = authenticator
        self._render = render
        self._max_body_bytes = max_body_bytes

    async def __call__(self, asgi: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request_id = new_request_id()

        async def send_named(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id.encode())]
            await send(message)

        try:
            headers = asgi["headers"]
            await refuse_announced(receive, headers, self._max_body_bytes)
            keys = [PresentedKey(key) for key in api_keys(headers)]
            actor = await self._authenticator.verify(keys)
            body = await read_body(receive, self._max_body_bytes)
            _check_body(asgi["method"], headers, body)
        except CallerGone:
            return
        except DragomanError as error:
            await send_rendered(send, self._render(error), request_id)
            return
        except Exception:
            log.exception("unexpected_error", extra={"request_id": request_id})
            await send_rendered(send, self._render(_fault_of_ours()), request_id)
            return
        actor = msgspec.structs.replace(actor, request_id=request_id)
        asgi["state"] = {"actor": actor, "again": partial(self._authenticator.verify, keys)}
        with contextlib.suppress(Exception):  # the framework has answered it with `_unexpected`
            await self._app(asgi, _replay(body), send_named)


class Anyone(Enum):
    """Whoever has a key that verifies."""

    ANYONE = auto()


ANYONE: Final = Anyone.ANYONE

Need = Action | Administration | Anyone
"""What a route's caller must be allowed to do."""


def needs(need: Need) -> Any:
    """Declare what a route's caller must be allowed to do; belongs in its `dependencies`."""

    def check(request: Request) -> None:
        match need:
            case Action():
                scope(request.state.actor, need)
            case Administration():
                permit(request.state.actor, need)
            case Anyone():
                pass

    check.need = need  # type: ignore[attr-defined]  # read by `declared_need`
    return Depends(check)


def declared_need(route: APIRoute) -> Need | None:
    """Give what a route declared."""
    for dependency in route.dependencies:
        need = getattr(dependency.dependency, "need", None)
        if isinstance(need, Need):
            return need
    return None


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


CallingActor = Annotated[Actor, Depends(_actor)]


def _again(request: Request) -> Verified:
    again: Verified = request.state.again
    return again


VerifiedAgain = Annotated[Verified, Depends(_again)]
"""For what goes on for a while: who is calling, as far as their credentials still verify."""


def _require_permissions(app: FastAPI) -> None:
    for route in app.routes:
        if isinstance(route, APIRoute) and declared_need(route) is None:
            raise RuntimeError(f"the route {route.path} declares no permission")


def _check_body(method: str, headers: Headers, body: bytes) -> None:
    if body:
        require_json(headers, JSON_OR_PATCH if method == "PATCH" else JSON)
        if not isinstance(strict_json.loads(body), dict):
            raise _no_object()


def _no_object() -> Malformed:
    return Malformed("The body must be a JSON object.", code="invalid_json")


def _replay(body: bytes) -> Receive:
    """Hand on a body that has been read."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _install_errors(app: FastAPI, render: Render) -> None:
    """Answer every failure in the dialect's shape, the framework's own included."""

    def handler(translate: Callable[[Request, Any], DragomanError]) -> Any:
        async def handle(request: Request, error: Exception) -> Response:
            rendered = render(translate(request, error))
            return _Answer(rendered.named(str(_actor(request).request_id)))

        return handle

    app.add_exception_handler(DragomanError, handler(lambda _, error: error))
    app.add_exception_handler(RequestValidationError, handler(_invalid))
    app.add_exception_handler(HTTPException, handler(_http))
    app.add_exception_handler(Exception, handler(_unexpected))


class _Answer(Response):
    """A failure as a response of the framework."""

    def __init__(self, rendered: Rendered) -> None:
        super().__init__()
        self._rendered = rendered

    async def __call__(self, _asgi: Scope, _receive: Receive, send: Send) -> None:
        said = self._rendered
        await send_json(send, said.status, said.body, said.headers, said.content_type)


def _invalid(_: Request, error: RequestValidationError) -> CallerError:
    """Say what pydantic found, but never what it was given."""
    if any(found["loc"] == ("body",) for found in error.errors()):
        return _no_object()
    return Invalid(*(_problem(found) for found in error.errors()))


def _problem(found: Any) -> Problem:
    said = found["loc"][1:]
    path = _repeatable(said)
    if found["type"] != "extra_forbidden":
        return Problem(path, found["msg"], found["type"])
    if path == said:
        return Problem(path, "is not known here; leave it out", "unknown")
    return Problem(path, "has a name in it that is not known here; leave that out", "unknown")


_WORD = re.compile("[A-Za-z_]{1,40}")


def _repeatable(path: Sequence[str | int]) -> tuple[str | int, ...]:
    """End a path before a name that may be anything: somebody may have written a secret there."""
    return tuple(
        takewhile(lambda step: isinstance(step, int) or _WORD.fullmatch(step), path),
    )


def _http(request: Request, error: HTTPException) -> DragomanError:
    if error.status_code == 405:  # noqa: PLR2004  # statuses are known by number
        allowed = ", ".join(sorted(_methods(request)))
        return MethodNotAllowed("This method does not exist here.", allowed=allowed)
    return NotFound("There is nothing at this path.")


def _methods(request: Request) -> set[str]:
    """Collect what a path takes; the framework names the methods of its first route only."""
    routes = [route for route in request.app.routes if isinstance(route, APIRoute)]
    fitting = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return set().union(*(route.methods or () for route in fitting))


def _unexpected(request: Request, error: Exception) -> Internal:
    log.error("unexpected_error", exc_info=error, extra={"request_id": _actor(request).request_id})
    return _fault_of_ours()


def _fault_of_ours() -> Internal:
    return Internal("Something went wrong in Dragoman; its log says what.")
