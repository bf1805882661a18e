"""The way into every registry dialect: size, then credential, then the framework's routes."""

import contextlib
import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from dragoman.dialect.bodies import Bodies, no_object
from dragoman.dialect.credentials import api_keys
from dragoman.dialect.exchange import (
    CallerGone,
    read_body,
    refuse_announced,
    send_json,
    send_rendered,
)
from dragoman.dialect.record import AsgiApp, Receive, Render, Rendered, Scope, Send
from dragoman.dialect.request_id import HEADER, new_request_id
from dragoman.dialect.route import Route, calling_actor
from dragoman.domain.errors import (
    CallerError,
    DragomanError,
    Internal,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Problem,
)
from dragoman.registry.authentication import Authenticator
from dragoman.vault.api_key import PresentedKey

log = logging.getLogger(__name__)


class ControlPlane:
    """Reads and authenticates a request before its dialect's FastAPI application runs."""

    def __init__(
        self, app: FastAPI, *, authenticator: Authenticator, render: Render, bodies: Bodies
    ) -> None:
        _require_permissions(app)
        _install_errors(app, render)
        self._app: AsgiApp = app
        self._authenticator = authenticator
        self._render = render
        self._bodies = bodies

    async def __call__(self, asgi: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request_id = new_request_id()

        async def send_named(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id.encode())]
            await send(message)

        try:
            headers = asgi["headers"]
            await refuse_announced(receive, headers, self._bodies.max_bytes)
            keys = [PresentedKey(key) for key in api_keys(headers)]
            actor = await self._authenticator.verify(keys)
            body = await read_body(receive, self._bodies.max_bytes)
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
        asgi["state"] = {
            "actor": actor,
            "again": partial(self._authenticator.verify, keys),
            "bodies": self._bodies,
        }
        with contextlib.suppress(Exception):  # the framework has answered it with `_unexpected`
            await self._app(asgi, _replay(body), send_named)


def _require_permissions(app: FastAPI) -> None:
    undeclared = [route for route in app.routes if not isinstance(route, Route)]
    if undeclared:
        raise RuntimeError(f"the routes {undeclared} declare no permission")


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
            return _Answer(rendered.named(str(calling_actor(request).request_id)))

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
        return no_object()
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
    log.error(
        "unexpected_error", exc_info=error, extra={"request_id": calling_actor(request).request_id}
    )
    return _fault_of_ours()


def _fault_of_ours() -> Internal:
    return Internal("Something went wrong in Dragoman; its log says what.")
