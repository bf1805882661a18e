"""OpenAI's routes."""

from dragoman.dialect.credentials import api_keys
from dragoman.dialect.exchange import CallerGone, read_body, send_json, send_rendered
from dragoman.dialect.record import AsgiApp, Dialect, Receive, Scope, Send
from dragoman.dialect.request_id import HEADER, new_request_id
from dragoman.dialects.openai.chat import ChatCompletions
from dragoman.dialects.openai.errors import render
from dragoman.dialects.openai.models import model, model_list
from dragoman.domain.errors import DragomanError, MethodNotAllowed, NotFound
from dragoman.gateway.directory import Directory
from dragoman.gateway.relay import Relay
from dragoman.registry.authentication import Authenticator

MODELS = "/v1/models"
CHAT_COMPLETIONS = "/v1/chat/completions"


def dialect(
    *, relay: Relay, directory: Directory, authenticator: Authenticator, max_body_bytes: int
) -> Dialect:
    """Put the dialect together."""
    app = OpenAI(
        chat=ChatCompletions(
            relay=relay, authenticator=authenticator, max_body_bytes=max_body_bytes
        ),
        directory=directory,
        authenticator=authenticator,
    )
    return Dialect(name="openai", prefix="", bare_paths=(CHAT_COMPLETIONS, MODELS), app=app)


class OpenAI:
    """Chooses the route, and answers the short ones."""

    def __init__(
        self, *, chat: AsgiApp, directory: Directory, authenticator: Authenticator
    ) -> None:
        self._chat = chat
        self._directory = directory
        self._authenticator = authenticator

    async def __call__(self, asgi: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if asgi["path"] == CHAT_COMPLETIONS and asgi["method"] == "POST":
            await self._chat(asgi, receive, send)
            return
        request_id = new_request_id()
        try:
            await read_body(receive, asgi["headers"], 0)
            answer = await self._answer(asgi)
        except CallerGone:
            return
        except DragomanError as error:
            await send_rendered(send, render(error), request_id)
        else:
            await send_json(send, 200, answer, [(HEADER.decode(), request_id)])

    async def _answer(self, asgi: Scope) -> dict[str, object]:
        path, method = asgi["path"], asgi["method"]
        if path == CHAT_COMPLETIONS:
            raise MethodNotAllowed("Use POST here.", allowed="POST")
        if path != MODELS and not path.startswith(f"{MODELS}/"):
            raise NotFound("There is nothing at this path.")
        if method != "GET":
            raise MethodNotAllowed("Use GET here.", allowed="GET")
        who = await self._authenticator.authenticate(api_keys(asgi["headers"]))
        if path == MODELS:
            return await model_list(self._directory, who)
        return await model(self._directory, who, path.removeprefix(f"{MODELS}/"))
