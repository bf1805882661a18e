"""Access tokens of the operator's Google credentials, and where they come from."""

import re
from typing import Protocol
from urllib.parse import quote

import msgspec
from msgspec import Struct

from dragoman.domain.errors import CredentialUnusable
from dragoman.domain.header_block import HeaderBlock
from dragoman.domain.ports import Clock, Upstream, UpstreamRequest
from dragoman.domain.url import Origin
from dragoman.secret_sources.asking import (
    DEADLINES,
    OK,
    Answered,
    ask,
    unreachable,
)
from dragoman.secret_sources.remembered import Fetched, Remembered
from dragoman.vault.held import Lent
from dragoman.vault.secret import Secret

RENEWED_BEFORE_MS = 5 * 60 * 1000
"""How long before its end a token is renewed [ms]; of a short-lived one, a tenth of its life. For
that time it still works, if no other one can be had."""

LAST_USED_BEFORE_MS = 10_000
"""How long before its end a token is used last [ms]: clocks differ, and calls take time."""

METADATA = Origin("http", "metadata.google.internal", 80)
METADATA_SERVER = "Google's metadata server"
_TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105  # a path
_FLAVOR = (b"metadata-flavor", b"Google")

REFUSALS = frozenset({400, 401, 403, 404})
"""Statuses by which a server says that there is no token for us; others say nothing of that."""

_ERROR_CODE = re.compile("[a-z_]{1,40}")


class Token(Struct, frozen=True):
    """A new access token."""

    secret: Secret
    lifetime_ms: int


class Mint(Protocol):
    """Whoever gives out access tokens."""

    async def mint(self, scopes: tuple[str, ...]) -> Token:
        """Give a new token. Raises SourceUnreachable; CredentialUnusable where it is refused."""
        ...


class GoogleTokens:
    """Lends access tokens, one for each set of scopes."""

    def __init__(self, mint: Mint, clock: Clock) -> None:
        self._mint = mint
        self._clock = clock
        self._remembered = Remembered("google", self._minted, clock)

    async def fetch(self, scopes: tuple[str, ...]) -> Lent | None:
        """Give a token for these scopes. Raises CredentialUnusable."""
        return await self._remembered.lend(tuple(sorted(set(scopes))))

    async def require_token(self) -> None:
        """Have a token made, and forget it. Raises CredentialUnusable."""
        await self._mint.mint(())

    async def _minted(self, scopes: tuple[str, ...]) -> Fetched:
        asked_at_ms = self._clock.now_ms()
        token = await self._mint.mint(scopes)
        ends_at_ms = asked_at_ms + token.lifetime_ms
        early_ms = min(RENEWED_BEFORE_MS, token.lifetime_ms // 10)
        return Fetched(token.secret, ends_at_ms - early_ms, ends_at_ms - LAST_USED_BEFORE_MS)


class MetadataServer:
    """Gives out tokens of the machine's own service account.

    docs.cloud.google.com/compute/docs/access/authenticate-workloads, as of 2026-11.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def mint(self, scopes: tuple[str, ...]) -> Token:
        """Ask for a token; without scopes it has those of the machine."""
        query = f"?scopes={quote(','.join(scopes), safe='')}" if scopes else ""
        request = UpstreamRequest(
            origin=METADATA,
            target=(_TOKEN_PATH + query).encode(),
            headers=[HeaderBlock([_FLAVOR])],
            body=b"",
            deadlines=DEADLINES,
            method=b"GET",
        )
        answer = await ask(self._upstream, request, METADATA_SERVER)
        if answer.headers.get(_FLAVOR[0]) != _FLAVOR[1]:
            raise unreachable(METADATA_SERVER, "answer")  # somebody else sits at its address
        return minted(answer, METADATA_SERVER)


class _Minted(Struct):
    access_token: str
    expires_in: int


class _Refused(Struct):
    error: str


def minted(answer: Answered, server: str) -> Token:
    """Read the answer to a request for a token (RFC 6749, sections 5.1 and 5.2).

    Raises SourceUnreachable; CredentialUnusable where the request was refused. Of a refusal only
    the code is told: its description may quote what was sent.
    """
    if answer.status in REFUSALS:
        raise CredentialUnusable(f"{server} gives out no token ({_why(answer)}).")
    if answer.status != OK:
        raise unreachable(server, f"status {answer.status}")
    try:
        said = msgspec.json.decode(answer.body, type=_Minted)
    except (msgspec.DecodeError, RecursionError):
        raise unreachable(server, "answer") from None
    if not said.access_token or said.expires_in <= 0:
        raise unreachable(server, "answer")
    return Token(Secret(said.access_token), said.expires_in * 1000)


def _why(answer: Answered) -> str:
    try:
        code = msgspec.json.decode(answer.body, type=_Refused).error
    except (msgspec.DecodeError, RecursionError):
        code = ""
    return code if _ERROR_CODE.fullmatch(code) else f"status {answer.status}"
