"""Calling a server: the only part of the command line that opens connections to one."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import typer

from dragoman import __version__
from dragoman.cli.failures import Failure, one_line
from dragoman.cli.refusals import Refused, bad_address, not_dragoman, refusal

if TYPE_CHECKING:
    import httpx2

API = "/api/v1"
MAX_PAGE = 200
CONNECT_S = 10.0
"""Deadline for reaching the server [s]."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SUCCESS = range(200, 300)

F = TypeVar("F", bound=Failure)
Query = Sequence[tuple[str, str]]


class Unreachable(Failure):
    """Nobody answers, or not to the end."""


class Server:
    """A server and the key for it; `with` closes what is open."""

    def __init__(self, url: str, key: str, *, timeout_s: float, verbose: bool = False) -> None:
        import httpx2  # noqa: PLC0415  # commands that call nobody start without it

        self.url = url
        self._verbose = verbose
        self._hidden = [key]
        self._failures = httpx2
        try:
            is_here = httpx2.URL(url).host in LOOPBACK
        except httpx2.InvalidURL:
            raise bad_address() from None
        self._http = httpx2.Client(
            headers={"authorization": f"Bearer {key}", "user-agent": f"dragoman-cli/{__version__}"},
            timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            # A proxy on the way to this machine would only see the key.
            trust_env=not is_here,
        )
        self._timeout_s = timeout_s

    def hide(self, secrets: Iterable[str]) -> None:
        """Take note of texts that no message may repeat, whatever the server answers."""
        self._hidden += [secret for secret in secrets if secret]

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Ask for something of /api/v1; raises Refused and Unreachable."""
        asked = self._asked(method, API + path, query=query, body=body, headers=headers)
        with asked as response:
            return self._json(response)

    def read(self, path: str, query: Query = ()) -> dict[str, Any]:
        """Read one thing."""
        return self._object(self.call("GET", path, query=query))

    def changed(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Change one thing; gives what it is then."""
        return self._object(self.call(method, path, **options))

    def listed(self, path: str, query: Query = (), limit: int | None = None) -> Iterator[Any]:
        """Read a list to its end or to a limit, page after page."""
        left = sys.maxsize if limit is None else limit
        token: str | None = None
        while left > 0:
            asked = [*query, ("page_size", str(min(left, MAX_PAGE)))]
            page = self.read(path, [*asked, ("page_token", token)] if token else asked)
            items = page.get("items")
            if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
                raise not_dragoman(self.url, 200, "another shape of list")
            yield from items[:left]
            left -= len(items)
            token = page.get("next_page_token")
            if not token:
                return

    def said(self, path: str, body: Any) -> Any:
        """Ask for something outside /api/v1, and wait for all of its answer."""
        with self._asked("POST", path, body=body) as response:
            return self._json(response)

    @contextmanager
    def streamed(self, path: str, body: Any) -> Iterator["httpx2.Response"]:
        """Ask for something and read its answer as it comes."""
        with self._asked("POST", path, body=body) as response:
            yield response

    @contextmanager
    def _asked(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator["httpx2.Response"]:
        """Give the answer if it is a success; its body is still to come."""
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("content-type", "application/json")
        content = None if body is None else json.dumps(body).encode()
        begun = time.monotonic()
        with (
            self._explained(),
            self._http.stream(
                method, self.url + path, params=list(query), content=content, headers=sent
            ) as response,
        ):
            self._note(method, path, response, begun)
            if response.status_code not in SUCCESS:
                raise self._told(self._refusal(response, is_api=path.startswith(API)))
            yield response

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what can go wrong on the way into a sentence."""
        kinds = self._failures
        try:
            yield
        except (kinds.ConnectTimeout, kinds.ConnectError) as error:
            raise self._unreachable(error) from None
        except kinds.TimeoutException:
            raise Unreachable(
                f"{self.url} did not answer within {self._timeout_s:g} s. Try again, or wait "
                "longer with --timeout."
            ) from None
        except kinds.RequestError as error:
            reason = one_line(str(error)) or type(error).__name__
            raise self._told(
                Unreachable(f"The connection to {self.url} broke: {reason}. Try again.")
            ) from None

    def _json(self, response: "httpx2.Response") -> Any:
        """Read an answer; None where it is empty."""
        content = response.read()
        try:
            return json.loads(content) if content else None
        except (ValueError, RecursionError):
            raise not_dragoman(self.url, response.status_code, media_type(response)) from None

    def _object(self, found: Any) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise not_dragoman(self.url, 200, "another shape of answer")
        return found

    def _refusal(self, response: "httpx2.Response", *, is_api: bool) -> Refused:
        status, kind = response.status_code, media_type(response)
        return refusal(self.url, status, kind, response.read(), is_api=is_api)

    def _unreachable(self, error: Exception) -> Failure:
        reason = one_line(str(error)).rstrip(".") or "no answer in time"
        return self._told(
            Unreachable(
                f"Cannot reach Dragoman at {self.url}: {reason}. Start it with 'dragoman serve', "
                "or give another address with --url or in DRAGOMAN_URL."
            )
        )

    def _told(self, failure: F) -> F:
        """Take out of a message what it must not repeat."""
        text = str(failure)
        for secret in self._hidden:
            text = text.replace(secret, "****")
        failure.args = (text,)
        return failure

    def _note(self, method: str, path: str, response: "httpx2.Response", begun: float) -> None:
        if self._verbose:
            took_ms = (time.monotonic() - begun) * 1000
            request = one_line(response.headers.get("x-request-id", "")) or "none"
            typer.echo(
                f"{method} {path}: {response.status_code} in {took_ms:.0f} ms, request {request}",
                err=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


def media_type(response: "httpx2.Response") -> str:
    """Give what kind of content an answer says it has."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
