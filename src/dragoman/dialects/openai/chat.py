"""`POST /v1/chat/completions`: plain ASGI, because its cost is paid with every call."""

import logging

import msgspec

from dragoman.dialect.credentials import api_keys
from dragoman.dialect.exchange import (
    CallerGone,
    read_body,
    refuse_announced,
    require_json,
    send_rendered,
)
from dragoman.dialect.record import Receive, Scope, Send
from dragoman.dialect.request_id import HEADER, new_request_id
from dragoman.dialects.openai.errors import content, render
from dragoman.dialects.openai.watch import Watch
from dragoman.domain.errors import CallerError, DragomanError, Internal, MethodNotAllowed, NotFound
from dragoman.domain.ports import Headers
from dragoman.gateway.relay import Relay
from dragoman.registry.authentication import Authenticator

log = logging.getLogger(__name__)

CHAT_COMPLETIONS = "/v1/chat/completions"

EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
"""How a server-sent event ends (WHATWG HTML, section 9.2.6)."""


class ChatCompletions:
    """Serves one kind of request; keeps nothing between two."""

    def __init__(self, *, relay: Relay, authenticator: Authenticator, max_body_bytes: int) -> None:
        self._relay = relay
        self._authenticator = authenticator
        self._max_body_bytes = max_body_bytes

    async def __call__(self, asgi: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        answer = _Answer(send, new_request_id())
        try:
            headers = asgi["headers"]
            if asgi["method"] != "POST" or asgi["path"] != CHAT_COMPLETIONS:
                raise _no_such_route(asgi)
            await refuse_announced(receive, headers, self._max_body_bytes)
            who = await self._authenticator.authenticate(api_keys(headers))
            body = await read_body(receive, self._max_body_bytes)
            require_json(headers)
            with Watch(asgi):
                await self._relay.chat(who, headers, body, answer)
        except CallerGone:
            return
        except DragomanError as error:
            await answer.fail(error)
        except Exception:
            log.exception("unexpected_error", extra={"request_id": answer.request_id})
            await answer.fail(Internal("Something went wrong in Dragoman; its log says what."))


def _no_such_route(asgi: Scope) -> CallerError:
    if asgi["path"] != CHAT_COMPLETIONS:
        return NotFound("There is nothing at this path.")
    return MethodNotAllowed("Use POST here.", allowed="POST")


class _Answer:
    """The caller's side of one call, as ASGI messages."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self._begun = False
        self._takes_events = False
        self._last_piece = b""

    async def begin(self, status: int, headers: Headers) -> None:
        self._begun = True
        named = dict(headers)
        is_stream = named.get(b"content-type", b"").startswith(b"text/event-stream")
        self._takes_events = is_stream and b"content-length" not in named
        headers.append((HEADER, self.request_id.encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, piece: bytes) -> None:
        self._last_piece = piece
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def fail(self, error: DragomanError) -> None:
        """Say what went wrong: as a response if none has begun, else as an event of the stream.

        A response that has begun is left without its end, so that nothing cut short looks whole:
        the server closes the connection without the last chunk. Inside an event there is no
        place for another one.
        """
        if not self._begun:
            await send_rendered(self._send, render(error), self.request_id)
        elif self._takes_events and self._last_piece.endswith(EVENT_ENDS):
            await self.write(b"data: " + msgspec.json.encode({"error": content(error)}) + b"\n\n")
