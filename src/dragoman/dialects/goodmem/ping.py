"""GoodMem's two routes that probe an LLM: once, or as a stream of events."""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse

from dragoman.authz.policy import Action
from dragoman.dialect.exchange import CallerGone
from dragoman.dialect.record import CALLER, Receive, Scope, Send
from dragoman.dialect.route import CallingActor, VerifiedAgain, needs
from dragoman.dialect.watch import Watch
from dragoman.dialects.goodmem import ping_mapping, ping_schema
from dragoman.dialects.goodmem.errors import failures
from dragoman.domain.errors import NotCallable, PreconditionFailed
from dragoman.gateway.probe import Ended, Listener, Prober
from dragoman.gateway.probe_plan import Limit
from dragoman.gateway.probe_result import Probed, Summary

ONCE, STREAM = "/v1/ping:once", "/v1/ping:stream"

NDJSON, EVENTS = "application/x-ndjson", "text/event-stream"

Responses = dict[int | str, dict[str, Any]]

FAILURES = failures(400, 401, 403, 404, 412, 413, 415, 429)


def add_ping(app: FastAPI, prober: Prober) -> None:
    """Put both routes into an application."""
    handlers = _Handlers(prober)

    def route(path: str, endpoint: Any, **options: Any) -> None:
        app.add_api_route(
            path, endpoint, methods=["POST"], dependencies=[needs(Action.PING)], **options
        )

    route(
        ONCE,
        handlers.once,
        operation_id="pingOnce",
        response_model=ping_schema.PingResult,
        response_model_exclude_none=True,
        responses=FAILURES,
    )
    events = {
        "description": "An event per line, or server-sent events; the last one is a summary.",
        "content": {EVENTS: {"schema": {"$ref": "#/components/schemas/PingEvent"}}},
    }
    route(
        STREAM,
        handlers.stream,
        operation_id="pingStream",
        status_code=200,
        response_class=_Events,
        response_model=ping_schema.PingEvent,
        responses=_as_json(FAILURES) | {200: events},
    )


def _as_json(failures: Responses) -> Responses:
    """Describe failures where the framework would give them the media type of the events."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        status: {"description": said["description"], "content": content}
        for status, said in failures.items()
    }


Accept = Annotated[str, Header()]


class _Handlers:
    """What each route does: read, probe, write."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober

    async def once(
        self, body: ping_schema.PingOnce, request: Request, actor: CallingActor
    ) -> ping_schema.PingResult | Response:
        """Probe an LLM. A failure of its server or credential is an answer too: `ok` is false."""
        plan = ping_mapping.plan(body)
        try:
            with _as_precondition(), Watch(request.scope["extensions"][CALLER]):
                probed = await self._prober.once(actor, plan)
        except CallerGone:
            return Response()  # which nobody is there to hear
        return ping_mapping.shown_once(probed, plan.limits)

    async def stream(
        self,
        body: ping_schema.PingStream,
        actor: CallingActor,
        again: VerifiedAgain,
        accept: Accept = NDJSON,
    ) -> Response:
        """Probe an LLM several times, and tell of each probe when it has ended."""
        plan = ping_mapping.plan(body)
        series = partial(self._prober.series, actor, again, plan)
        return _Events(series, plan.limits, are_sse=_wants_sse(accept))


QUALITY = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?")
"""How much a kind of answer is wanted (RFC 9110, section 12.4.2)."""


def _wants_sse(accept: str) -> bool:
    """Tell whether server-sent events are wanted more than lines; of equals the first one is."""
    wanted: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        if kind in {NDJSON, EVENTS}:
            wanted.setdefault(kind, _quality(parameters))
    return wanted.get(EVENTS, 0) > 0 and max(wanted, key=wanted.__getitem__) == EVENTS


def _quality(parameters: Sequence[str]) -> float:
    """Read how much a kind is wanted; what cannot be read is as if it were not there."""
    said = next((word[2:] for word in parameters if word.startswith("q=")), "")
    return float(said) if QUALITY.fullmatch(said) else 1.0


@contextmanager
def _as_precondition() -> Iterator[None]:
    """Say of an LLM that may not be called what GoodMem says: a precondition does not hold."""
    try:
        yield
    except NotCallable as error:
        raise PreconditionFailed(error.message, code=error.code) from None


class _Events(JSONResponse):
    """A series of probes, written as it goes; implements the gateway's port `Listener`.

    Not the framework's own streaming: that listens for a caller who leaves where no news of it
    comes. A failure before the first event is an answer of its own, one after it cuts the stream.
    """

    media_type = NDJSON

    def __init__(
        self,
        series: Callable[[Listener], Awaitable[None]],
        limits: Sequence[Limit],
        *,
        are_sse: bool,
    ) -> None:
        super().__init__(None)
        self._series = series
        self._limits = limits
        self._are_sse = are_sse
        self._send: Send

    async def __call__(self, asgi: Scope, _receive: Receive, send: Send) -> None:
        """Probe for as long as the caller is there."""
        self._send = send
        with suppress(CallerGone), _as_precondition(), Watch(asgi["extensions"][CALLER]):
            await self._series(self)
            await send({"type": "http.response.body", "body": b""})

    async def begin(self) -> None:
        """Write the head."""
        kind = EVENTS if self._are_sse else NDJSON
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def tell(self, event: Limit | Ended | Probed | Summary) -> None:
        """Write an event."""
        shown = ping_mapping.event(event, self._limits)
        text = shown.model_dump_json(by_alias=True, exclude_none=True).encode()
        line = b"data: " + text + b"\n\n" if self._are_sse else text + b"\n"
        await self._send({"type": "http.response.body", "body": line, "more_body": True})
