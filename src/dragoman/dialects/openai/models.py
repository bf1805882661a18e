"""`GET /v1/models` and `GET /v1/models/{model}`: what the caller may call."""

from typing import Any

from dragoman.dialect.credentials import api_keys
from dragoman.dialect.exchange import CallerGone, refuse_announced, send_json, send_rendered
from dragoman.dialect.record import Receive, Scope, Send
from dragoman.dialect.request_id import HEADER, new_request_id
from dragoman.dialects.openai.errors import render
from dragoman.domain.errors import DragomanError, MethodNotAllowed
from dragoman.domain.llm import LLM
from dragoman.gateway.directory import Directory
from dragoman.registry.authentication import Authenticator

MODELS = "/v1/models"
MAX_BODY_BYTES = 0


class Models:
    """Lists the models that a caller may call, newest first, and shows one."""

    def __init__(self, *, directory: Directory, authenticator: Authenticator) -> None:
        self._directory = directory
        self._authenticator = authenticator

    async def __call__(self, asgi: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request_id = new_request_id()
        try:
            await refuse_announced(receive, asgi["headers"], MAX_BODY_BYTES)
            if asgi["method"] != "GET":
                raise MethodNotAllowed("Use GET here.", allowed="GET")
            answer = await self._answer(asgi)
        except CallerGone:
            return
        except DragomanError as error:
            await send_rendered(send, render(error), request_id)
        else:
            await send_json(send, 200, answer, [(HEADER.decode(), request_id)])

    async def _answer(self, asgi: Scope) -> dict[str, Any]:
        who = await self._authenticator.authenticate(api_keys(asgi["headers"]))
        if asgi["path"] == MODELS:
            models = await self._directory.callable_names(who)
            return {"object": "list", "data": [_model(name, llm) for name, llm in models]}
        name = asgi["path"].removeprefix(f"{MODELS}/")
        return _model(name, (await self._directory.find(who, name)).llm)


def _model(name: str, llm: LLM) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": llm.created_at_ms // 1000,
        "owned_by": "platform" if llm.is_platform else "organization",
        "llm_id": llm.id,
        "upstream_model": llm.configuration.model,
    }
