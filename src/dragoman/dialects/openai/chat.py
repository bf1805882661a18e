"""`POST /v1/chat/completions`: plain ASGI, because its cost is paid with every call."""

import logging
from time import perf_counter
from typing import Any

import msgspec

from dragoman.dialect.call_headers import call_headers
from dragoman.dialect.credentials import api_keys
from dragoman.dialect.exchange import (
    CallerGone,
    read_body,
    refuse_announced,
    require_json,
    send_json,
)
from dragoman.dialect.record import Receive, Scope, Send
from dragoman.dialect.request_id import new_request_id
from dragoman.dialect.watch import Watch
from dragoman.dialects.openai.errors import content, fault_of, render
from dragoman.domain.errors import (
    CallerError,
    DragomanError,
    Internal,
    MethodNotAllowed,
    NotFound,
    UpstreamRefused,
)
from dragoman.domain.ports import ChangeFeed, Headers, UsageLog
from dragoman.domain.usage import Outcome, Usage
from dragoman.gateway.relay import Relay
from dragoman.registry.authentication import Authenticator

log = logging.getLogger(__name__)

CHAT_COMPLETIONS = "/v1/chat/completions"

EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
"""How a server-sent event ends (WHATWG HTML, section 9.2.6)."""

LONGEST_END = max(map(len, EVENT_ENDS))


class ChatCompletions:
    """Serves one kind of request; keeps nothing between two."""

    def __init__(
        self,
        *,
        relay: Relay,
        authenticator: Authenticator,
        change_feed: ChangeFeed,
        usage_log: UsageLog,
        max_body_bytes: int,
    ) -> None:
        self._relay = relay
        self._authenticator = authenticator
        self._change_feed = change_feed
        self._usage_log = usage_log
        self._max_body_bytes = max_body_bytes

    async def __call__(self, asgi: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and note how it ended if it was somebody's."""
        usage = Usage(new_request_id(), perf_counter())
        answer = _Answer(send, usage, self._change_feed)
        try:
            await self._serve(asgi, receive, usage, answer)
            usage.outcome = Outcome.COMPLETED
        except CallerGone:
            pass
        except DragomanError as error:
            await answer.fail(error)
        except Exception:
            log.exception("unexpected_error", extra={"request_id": usage.request_id})
            await answer.fail(Internal("Something went wrong in Dragoman; its log says what."))
        finally:
            if usage.organization_id:
                usage.duration_s = perf_counter() - usage.began_at
                self._usage_log.note(usage)

    async def _serve(self, asgi: Scope, receive: Receive, usage: Usage, answer: "_Answer") -> None:
        headers = asgi["headers"]
        if asgi["method"] != "POST" or asgi["path"] != CHAT_COMPLETIONS:
            raise _no_such_route(asgi)
        try:
            await refuse_announced(receive, headers, self._max_body_bytes)
        finally:
            usage.body_s = perf_counter() - usage.began_at
        who = await self._authenticator.authenticate(api_keys(headers))
        usage.organization_id = who.organization_id
        usage.principal_id, usage.key_id = who.principal_id, who.key_id
        asked_at = perf_counter()
        try:
            body = await read_body(receive, self._max_body_bytes)
        finally:
            usage.body_s += perf_counter() - asked_at
        require_json(headers)
        with Watch(asgi):
            await self._relay.chat(usage, who, headers, body, answer)


def _no_such_route(asgi: Scope) -> CallerError:
    if asgi["path"] != CHAT_COMPLETIONS:
        return NotFound("There is nothing at this path.")
    return MethodNotAllowed("Use POST here.", allowed="POST")


class _Answer:
    """The caller's side of one call, as ASGI messages."""

    def __init__(self, send: Send, usage: Usage, change_feed: ChangeFeed) -> None:
        self._send = send
        self._usage = usage
        self._change_feed = change_feed
        self._held: dict[str, Any] | None = None
        """A head that waits for the first piece of its body: until then it can be taken back."""
        self._takes_events = False
        self._last_bytes = b"\n\n"

    async def begin(self, status: int, headers: Headers) -> None:
        usage = self._usage
        named = dict(headers)
        usage.is_stream = named.get(b"content-type", b"").startswith(b"text/event-stream")
        self._takes_events = usage.is_stream and b"content-length" not in named
        usage.status = status
        headers += self._call_headers()
        head = {"type": "http.response.start", "status": status, "headers": headers}
        if usage.is_stream:  # whose head says that there is something to wait for
            await self._send(head)
        else:
            self._held = head

    async def write(self, piece: bytes) -> None:
        await self._let_go()
        self._last_bytes = (self._last_bytes + piece[-LONGEST_END:])[-LONGEST_END:]
        self._usage.bytes_out += len(piece)
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        await self._let_go()
        await self._send({"type": "http.response.body", "body": b""})

    async def fail(self, error: DragomanError) -> None:
        """Say what went wrong: as a response if none has begun, else as an event of the stream.

        A response that has begun is left without its end, so that nothing cut short looks whole:
        the server closes the connection without the last chunk. Inside an event there is no
        place for another one.
        """
        usage = self._usage
        usage.outcome = Outcome.REFUSED if isinstance(error, CallerError) else Outcome.FAILED
        # An upstream's own code is a word of its body, which is not for the log.
        refused = isinstance(error, UpstreamRefused)
        usage.error_code = UpstreamRefused.code if refused else error.code
        usage.fault = fault_of(error)
        if self._held is not None or not usage.status:
            self._held = None
            rendered = render(error)
            usage.status = rendered.status
            lines = [(name.decode(), value.decode()) for name, value in self._call_headers()]
            await send_json(self._send, rendered.status, rendered.body, (*rendered.headers, *lines))
        elif self._takes_events and self._last_bytes.endswith(EVENT_ENDS):
            await self.write(b"data: " + msgspec.json.encode({"error": content(error)}) + b"\n\n")

    async def _let_go(self) -> None:
        """Send the head, if it waits."""
        if self._held is not None:
            head, self._held = self._held, None
            await self._send(head)

    def _call_headers(self) -> Headers:
        """Write what the head says about the call, in the moment in which it is passed on."""
        usage, now = self._usage, perf_counter()
        usage.first_byte_s = now - usage.began_at
        return call_headers(usage, now, self._change_feed.silent_s)
