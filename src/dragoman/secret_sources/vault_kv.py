"""Secrets in OpenBao or Vault, KV version 2: `vault://mount/path#field`.

The HTTP API: openbao.org/api-docs/secret/kv/kv-v2 and developer.hashicorp.com/vault/api-docs, both
as of 2026-11. A path that is not there, a version that was deleted (404) and what the token may not
read, or a token that has ended (403), are one to those who call; the log tells them apart.
"""

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from dragoman.domain.errors import CredentialUnusable
from dragoman.domain.header_block import HeaderBlock
from dragoman.domain.ports import Clock, Headers, Upstream, UpstreamRequest
from dragoman.domain.url import parse_origin, request_target
from dragoman.secret_sources.asking import DEADLINES, OK, Answered, ask, unreachable
from dragoman.secret_sources.remembered import Fetched, Remembered
from dragoman.settings import is_header_word
from dragoman.vault.held import Lent
from dragoman.vault.secret import Secret

log = logging.getLogger(__name__)

SCHEME = "vault"
SERVER = "The vault"

FRESH_FOR_MS = 30_000
"""How long a secret that was replaced, or taken away, in the vault may still be sent [ms]. It also
bounds what a busy LLM costs the vault: two requests a minute for each worker."""

FORBIDDEN, NOT_FOUND, SEALED = 403, 404, 503

_REFERENCE = re.compile(r"vault://([\w.-]+)/([\w.@+/-]+)#([\w.@+-]+)", re.ASCII)
_DOTS = frozenset({"", ".", ".."})


class VaultToken:
    """The token that the vault knows us by: a text, or what a file holds whenever it is used."""

    def __init__(self, text: str | None, file: Path | None) -> None:
        self._text = text
        self._file = file

    async def read(self) -> bytes:
        """Give the token. Raises SourceUnreachable where its file holds none."""
        text = self._text
        if self._file is not None:
            try:
                text = (await asyncio.to_thread(self._file.read_text)).strip()
            except (OSError, UnicodeDecodeError):
                text = None
        if text is None or not is_header_word(text):
            raise unreachable(SERVER, "token")
        return text.encode()


class VaultKV:
    """Lends fields of secrets in a vault."""

    def __init__(
        self,
        upstream: Upstream,
        *,
        address: str,
        token: VaultToken,
        namespace: str | None,
        clock: Clock,
        grace_ms: int,
    ) -> None:
        self._upstream = upstream
        self._origin = parse_origin(address)
        self._base = request_target(address).rstrip("/")
        self._token = token
        self._namespace = namespace
        self._clock = clock
        self._grace_ms = grace_ms
        self._remembered = Remembered("vault", self._read, clock)

    async def fetch(self, uri: str) -> Lent | None:
        """Give a field; None where there is none that we may read. Raises CredentialUnusable."""
        return await self._remembered.lend(uri)

    async def require_token(self) -> None:
        """Have the vault look at our token. Raises CredentialUnusable."""
        answer = await self._get("/v1/auth/token/lookup-self")
        if answer.status == FORBIDDEN:
            raise CredentialUnusable(f"{SERVER} does not accept the token.")
        _require_ok(answer)

    async def _read(self, uri: str) -> Fetched | None:
        found = _REFERENCE.fullmatch(uri)
        if found is None or not _DOTS.isdisjoint([found[1], *found[2].split("/")]):
            return None  # a dot or two would name another path than the one that was granted
        mount, path, field = found.groups()
        answer = await self._get(f"/v1/{mount}/data/{path}")
        if answer.status in {FORBIDDEN, NOT_FOUND}:
            fields = {"source": "vault", "secret": uri, "reason": f"status {answer.status}"}
            log.warning("secret_not_there", extra=fields)
            return None
        _require_ok(answer)
        text = _field(answer.body, field)
        if text is None:
            return None
        now_ms = self._clock.now_ms()
        return Fetched(Secret(text), now_ms + FRESH_FOR_MS, now_ms + self._grace_ms)

    async def _get(self, path: str) -> Answered:
        headers: Headers = [
            (b"accept", b"application/json"),
            (b"x-vault-request", b"true"),  # an agent may want it, against forged requests
            (b"x-vault-token", await self._token.read()),
        ]
        if self._namespace is not None:
            headers.append((b"x-vault-namespace", self._namespace.encode()))
        request = UpstreamRequest(
            origin=self._origin,
            target=(self._base + path).encode(),
            headers=[HeaderBlock(headers)],
            body=b"",
            deadlines=DEADLINES,
            method=b"GET",
            carries_credential=True,
        )
        return await ask(self._upstream, request, SERVER)


class _Version(Struct):
    data: dict[str, Any] | None = None


class _Read(Struct):
    data: _Version


def _require_ok(answer: Answered) -> None:
    if answer.status == SEALED:
        raise unreachable(SERVER, "sealed")
    if answer.status != OK:
        raise unreachable(SERVER, f"status {answer.status}")


def _field(body: bytes, field: str) -> str | None:
    """Find a field in what the vault answered; a number or an object is none that can be sent."""
    try:
        fields = msgspec.json.decode(body, type=_Read).data.data or {}
    except (msgspec.DecodeError, RecursionError):
        raise unreachable(SERVER, "answer") from None
    value = fields.get(field)
    return value if isinstance(value, str) and value else None
