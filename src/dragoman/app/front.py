"""The first thing a request meets: which dialect it belongs to. Plain ASGI."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from dragoman.dialect.exchange import send_json, send_rendered
from dragoman.dialect.record import AsgiApp, Dialect, Receive, Render, Scope, Send
from dragoman.dialect.request_id import new_request_id
from dragoman.domain.errors import NotFound

Readiness = Callable[[], Awaitable[tuple[bool, dict[str, str]]]]


class Front:
    """Sends each request to its dialect: by prefix, or by a path and the header that claims it."""

    def __init__(
        self, dialects: Sequence[Dialect], *, readiness: Readiness, fallback: Render
    ) -> None:
        self._exact = _by_path(dialects)
        self._below = [(f"{path}/", app) for path, app in self._exact.items()]
        self._prefixes = {dialect.prefix: dialect.app for dialect in dialects if dialect.app}
        self._readiness = readiness
        self._fallback = fallback

    async def __call__(self, asgi: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if asgi["type"] != "http":
            return
        path: str = asgi["path"]
        app = self._exact.get(path) or self._find_below(path)
        if app is not None:
            await app(asgi, receive, send)
        elif path == "/healthz":
            await _send_state(send, 200, {"status": "ok"})
        elif path == "/readyz":
            await self._answer_readiness(send)
        else:
            await self._by_prefix(path, asgi, receive, send)

    def _find_below(self, path: str) -> AsgiApp | None:
        return next((app for start, app in self._below if path.startswith(start)), None)

    async def _by_prefix(self, path: str, asgi: Scope, receive: Receive, send: Send) -> None:
        first, _, rest = path[1:].partition("/")
        app = self._prefixes.get(f"/{first}")
        if app is None:
            error = NotFound("There is nothing at this path.")
            await send_rendered(send, self._fallback(error), new_request_id())
            return
        asgi["path"] = f"/{rest}"
        await app(asgi, receive, send)

    async def _answer_readiness(self, send: Send) -> None:
        ready, report = await self._readiness()
        status = "ready" if ready else "not ready"
        await _send_state(send, 200 if ready else 503, {"status": status, **report})


def _by_path(dialects: Sequence[Dialect]) -> dict[str, AsgiApp]:
    """Give what answers at each path; raises RuntimeError where two dialects claim the same."""
    claims: dict[str, dict[bytes, AsgiApp]] = defaultdict(dict)
    for dialect in dialects:
        for path, app in dialect.paths.items():
            if dialect.header in claims[path]:
                raise RuntimeError(f"two dialects claim {path} in the same way")
            claims[path][dialect.header] = app
    return {path: _chosen(apps) for path, apps in claims.items()}


def _chosen(apps: Mapping[bytes, AsgiApp]) -> AsgiApp:
    """Give what answers for several dialects: the one whose header is there, else the one without.

    A path that only one dialect has is that one's, whatever the headers.
    """
    if len(apps) == 1:
        return next(iter(apps.values()))
    rest = apps.get(b"")
    if rest is None:
        raise RuntimeError("one of the dialects that share a path must take what is left")

    async def choose(asgi: Scope, receive: Receive, send: Send) -> None:
        claimed = (apps[name] for name, _ in asgi["headers"] if name and name in apps)
        await next(claimed, rest)(asgi, receive, send)

    return choose


async def _send_state(send: Send, status: int, state: dict[str, str]) -> None:
    """Write how this process is; where it is not well, that is the operator's to mend."""
    headers = [("x-request-id", new_request_id())]
    if status >= 500:  # noqa: PLR2004  # HTTP's classes of status are known by number
        headers.append(("x-dragoman-fault", "operator"))
    await send_json(send, status, state, headers)
