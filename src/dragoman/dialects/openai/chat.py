"""`POST /v1/chat/completions`: plain ASGI, because its cost is paid with every call."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
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
    within,
)
from dragoman.dialect.record import CALLER, Caller, Receive, Scope, Send
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
from dragoman.vault.api_key import PresentedKey

log = logging.getLogger(__name__)

CHAT_COMPLETIONS = "/v1/chat/completions"

KEYS, ASKED = "chat keys", "chat asked"
"""What is kept with a head: the API keys in it, and what it asks for."""

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
        caller = asgi["extensions"][CALLER]
        answer = _Answer(send, caller, usage, self._change_feed)
        try:
            if asgi["method"] != "POST" or asgi["path"] != CHAT_COMPLETIONS:
                raise _no_such_route(asgi)
            await self._serve(asgi["headers"], receive, caller, usage, answer)
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

    async def _serve(
        self, headers: Headers, receive: Receive, caller: Caller, usage: Usage, answer: "_Answer"
    ) -> None:
        kept = caller.kept
        keys = kept.get(KEYS)
        if keys is None:
            with _body_wait(usage):
                await refuse_announced(receive, headers, self._max_body_bytes)
            keys = kept[KEYS] = [PresentedKey(key) for key in api_keys(headers)]
        who = await self._authenticator.verify(keys)
        usage.organization_id = who.organization_id
        usage.principal_id, usage.key_id = who.principal_id, who.key_id
        body = caller.rest_of_body()
        if body is None:
            with _body_wait(usage):
                body = await read_body(receive, self._max_body_bytes)
        within(body, self._max_body_bytes)
        asked = kept.get(ASKED)
        if asked is None:
            require_json(headers)
            asked = kept[ASKED] = self._relay.asked(headers)
        with Watch(caller):
            await self._relay.chat(usage, who, asked, body, answer)


@contextmanager
def _body_wait(usage: Usage) -> Iterator[None]:
    """Note how long it took what the caller sends to come."""
    since = perf_counter()
    try:
        yield
    finally:
        usage.body_s += perf_counter() - since


def _no_such_route(asgi: Scope) -> CallerError:
    if asgi["path"] != CHAT_COMPLETIONS:
        return NotFound("There is nothing at this path.")
    return MethodNotAllowed("Use POST here.", allowed="POST")


class _Answer:
    """The caller's side of one call, as ASGI messages."""

    def __init__(self, send: Send, caller: Caller, usage: Usage, change_feed: ChangeFeed) -> None:
        self._send = send
        self._caller = caller
        self._usage = usage
        self._change_feed = change_feed
        self._held: dict[str, Any] | None = None
        """A head that waits for the first piece of its body: until then it can be taken back."""
        self._takes_events = False
        self._last_bytes = b"\n\n"

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        self._note(status, headers)
        self._usage.bytes_out += len(body)
        await self._caller.answer(status, headers + self._call_headers(), body)

    async def begin(self, status: int, headers: Headers) -> None:
        self._note(status, headers)
        headers += self._call_headers()
        head = {"type": "http.response.start", "status": status, "headers": headers}
        if self._usage.is_stream:  # whose head says that there is something to wait for
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

    def _note(self, status: int, headers: Headers) -> None:
        usage, named = self._usage, dict(headers)
        usage.status = status
        usage.is_stream = named.get(b"content-type", b"").startswith(b"text/event-stream")
        self._takes_events = usage.is_stream and b"content-length" not in named

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
