"""Access tokens of a Google service account: a signed assertion for a token (RFC 7523).

developers.google.com/identity/protocols/oauth2/service-account, as of 2026-11.
"""

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import jwt

from dragoman.domain.header_block import HeaderBlock
from dragoman.domain.ports import Clock, Upstream, UpstreamRequest
from dragoman.domain.url import parse_origin, request_target
from dragoman.secret_sources.asking import DEADLINES, ask
from dragoman.secret_sources.google import Token, minted
from dragoman.secret_sources.remembered import SourceUnreachable
from dragoman.secret_sources.service_account_file import ServiceAccountFileError, read

TOKEN_SERVER = "Google's token endpoint"  # noqa: S105  # what people read

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"

ASSERTION_S = 3600
"""How long an assertion holds: the longest that Google takes [s]."""

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class ServiceAccountTokens:
    """Gives out tokens of a service account; its file is read for each, so it may be replaced."""

    def __init__(self, upstream: Upstream, file: Path, endpoint: str, clock: Clock) -> None:
        """`endpoint` is the URL that tokens are fetched from."""
        self._upstream = upstream
        self._file = file
        self._endpoint = endpoint
        self._clock = clock

    async def mint(self, scopes: tuple[str, ...]) -> Token:
        """Ask for a token for these scopes; without any, for all of Google Cloud."""
        assertion = await asyncio.to_thread(self._signed, scopes or (CLOUD_PLATFORM,))
        request = UpstreamRequest(
            origin=parse_origin(self._endpoint),
            target=request_target(self._endpoint).encode(),
            headers=[HeaderBlock([(b"content-type", b"application/x-www-form-urlencoded")])],
            body=urlencode({"grant_type": GRANT_TYPE, "assertion": assertion}).encode(),
            deadlines=DEADLINES,
            carries_credential=True,
        )
        return minted(await ask(self._upstream, request, TOKEN_SERVER), TOKEN_SERVER)

    def _signed(self, scopes: tuple[str, ...]) -> str:
        """Give an assertion of who we are. Runs in a thread. Raises SourceUnreachable."""
        try:
            account = read(self._file)
        except ServiceAccountFileError:
            # It may be about to be replaced: a token that there is, is lent on.
            raise SourceUnreachable(
                "The operator's Google credentials cannot be used; 'dragoman doctor' says why."
            ) from None
        now_s = self._clock.now_ms() // 1000
        claims = {
            "iss": account.email,
            "scope": " ".join(scopes),
            "aud": account.token_uri,
            "iat": now_s,
            "exp": now_s + ASSERTION_S,
        }
        headers = {"kid": account.key_id} if account.key_id else None
        return jwt.encode(claims, account.key, algorithm="RS256", headers=headers)
