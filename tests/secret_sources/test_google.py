"""Google's access tokens, against a token endpoint that verifies, and a metadata server."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from dragoman.domain.errors import CredentialUnusable
from dragoman.secret_sources.google import (
    LAST_USED_BEFORE_MS,
    RENEWED_BEFORE_MS,
    GoogleTokens,
    MetadataServer,
)
from dragoman.secret_sources.remembered import RETRY_MS
from dragoman.secret_sources.service_account import ServiceAccountTokens
from dragoman.upstream.egress import EgressPolicy, parse_networks
from dragoman.upstream.pool import HttpPool
from tests.registry.installation import SetClock
from tests.scripted_upstream import ScriptedUpstream, serving
from tests.secret_sources.google_server import (
    CLOUD_PLATFORM,
    MetadataEndpoint,
    TokenEndpoint,
    key_file,
    refused,
)
from tests.upstream.calling import MakePool, answer, certified

DRIVE = "https://www.googleapis.com/auth/drive"


@pytest.fixture
def endpoint(clock: SetClock) -> TokenEndpoint:
    return TokenEndpoint(clock.now_ms() // 1000)


@pytest.fixture
async def server(endpoint: TokenEndpoint, ca: trustme.CA) -> AsyncIterator[ScriptedUpstream]:
    async with serving(endpoint.steps(), tls=certified(ca, "127.0.0.1")) as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return key_file(tmp_path / "account.json")


@pytest.fixture
def tokens(
    server: ScriptedUpstream, file: Path, trusting: HttpPool, clock: SetClock
) -> GoogleTokens:
    mint = ServiceAccountTokens(trusting, file, f"{server.url}/token", clock)
    return GoogleTokens(mint, clock)


async def lent(tokens: GoogleTokens, *scopes: str) -> str:
    given = await tokens.fetch(scopes)
    assert given is not None
    assert "ya29" not in repr(given)
    return given.secret.reveal()


# --- A service account -----------------------------------------------------------------------


async def test_a_service_account_gets_a_token_for_what_it_signs(
    tokens: GoogleTokens, endpoint: TokenEndpoint
) -> None:
    assert await lent(tokens) == "ya29.canary-1"
    (claims,) = endpoint.claims
    assert claims["scope"] == CLOUD_PLATFORM


async def test_each_set_of_scopes_has_a_token_of_its_own(
    tokens: GoogleTokens, endpoint: TokenEndpoint
) -> None:
    assert await lent(tokens, DRIVE, CLOUD_PLATFORM) == "ya29.canary-1"
    assert await lent(tokens, CLOUD_PLATFORM, DRIVE, DRIVE) == "ya29.canary-1"
    assert await lent(tokens, DRIVE) == "ya29.canary-2"
    assert [claims["scope"] for claims in endpoint.claims] == [f"{CLOUD_PLATFORM} {DRIVE}", DRIVE]


async def test_many_callers_get_one_token(tokens: GoogleTokens, endpoint: TokenEndpoint) -> None:
    given = await asyncio.gather(*(lent(tokens) for _ in range(50)))
    assert set(given) == {"ya29.canary-1"}
    assert len(endpoint.assertions) == 1


@pytest.mark.parametrize("lifetime_s", [3600, 300])
async def test_a_token_is_renewed_shortly_before_it_ends(
    tokens: GoogleTokens, endpoint: TokenEndpoint, clock: SetClock, lifetime_s: int
) -> None:
    endpoint.expires_in = lifetime_s
    early_ms = min(RENEWED_BEFORE_MS, lifetime_s * 100)
    assert await lent(tokens) == "ya29.canary-1"
    clock.time_ms += lifetime_s * 1000 - early_ms - 1
    assert await lent(tokens) == "ya29.canary-1"
    clock.time_ms += 1
    endpoint.now_s = clock.now_ms() // 1000
    assert await lent(tokens) == "ya29.canary-2"


async def test_the_old_token_is_used_to_its_end_while_there_is_no_other(
    tokens: GoogleTokens, endpoint: TokenEndpoint, clock: SetClock
) -> None:
    began_ms = clock.now_ms()
    assert await lent(tokens) == "ya29.canary-1"
    endpoint.says = answer(b"", status=b"503 Service Unavailable")
    ends_ms = began_ms + 3_600_000
    clock.time_ms = ends_ms - RENEWED_BEFORE_MS
    while clock.now_ms() < ends_ms - LAST_USED_BEFORE_MS:
        assert await lent(tokens) == "ya29.canary-1"
        clock.time_ms += 10 * RETRY_MS
    with pytest.raises(CredentialUnusable, match=r"Google's token endpoint .* \(status 503\)"):
        await tokens.fetch(())


async def test_a_refusal_tells_its_code_and_nothing_of_what_it_quotes(
    tokens: GoogleTokens, endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.refuses = True
    with caplog.at_level(logging.DEBUG), pytest.raises(CredentialUnusable) as failed:
        await tokens.fetch(())
    assert failed.value.message == "Google's token endpoint gives out no token (invalid_grant)."
    told = "".join(traceback.format_exception(failed.value)) + caplog.text
    told += "".join(str(vars(line)) for line in caplog.records)
    (assertion,) = endpoint.assertions
    for part in assertion.split("."):
        assert part not in told


async def test_a_refused_key_does_not_live_on_in_an_old_token(
    tokens: GoogleTokens, endpoint: TokenEndpoint, clock: SetClock
) -> None:
    await lent(tokens)
    endpoint.says = refused("invalid_grant", "Account deleted")
    clock.time_ms += 3_600_000 - RENEWED_BEFORE_MS
    with pytest.raises(CredentialUnusable, match="invalid_grant"):
        await tokens.fetch(())


@pytest.mark.parametrize(
    "says",
    [
        answer(b"{}"),
        answer(b'{"access_token": "", "expires_in": 3600}'),
        answer(b'{"access_token": "ya29.x", "expires_in": 0}'),
        answer(b'{"access_token": "ya29.x", "expires_in": "soon"}'),
        answer(b"<html>"),
        b"this is not HTTP\r\n\r\n",
    ],
)
async def test_an_answer_that_is_no_token(
    tokens: GoogleTokens, endpoint: TokenEndpoint, says: bytes
) -> None:
    endpoint.says = says
    with pytest.raises(CredentialUnusable, match=r"\(answer\)"):
        await tokens.fetch(())


async def test_an_endpoint_that_is_overrun_says_nothing_of_the_account(
    tokens: GoogleTokens, endpoint: TokenEndpoint, clock: SetClock
) -> None:
    await lent(tokens)
    endpoint.says = answer(b"{}", status=b"429 Too Many Requests")
    clock.time_ms += 3_600_000 - RENEWED_BEFORE_MS
    assert await lent(tokens) == "ya29.canary-1"


async def test_an_odd_error_code_is_not_repeated(
    tokens: GoogleTokens, endpoint: TokenEndpoint
) -> None:
    endpoint.says = refused("sk-Canary.4f1d7c", "")
    with pytest.raises(CredentialUnusable, match=r"no token \(status 400\)\.$"):
        await tokens.fetch(())


def broken(file: Path) -> None:
    file.write_text("{")


async def test_a_file_that_was_replaced_is_read_again_and_one_that_is_broken_is_told(
    tokens: GoogleTokens, file: Path, endpoint: TokenEndpoint, clock: SetClock
) -> None:
    await lent(tokens)
    broken(file)
    clock.time_ms += 3_600_000 - RENEWED_BEFORE_MS
    assert await lent(tokens) == "ya29.canary-1"
    with pytest.raises(CredentialUnusable, match="'dragoman doctor' says why"):
        await tokens.fetch((DRIVE,))
    key_file(file)
    clock.time_ms += RETRY_MS
    endpoint.now_s = clock.now_ms() // 1000
    assert await lent(tokens) == "ya29.canary-2"


# --- The metadata server ---------------------------------------------------------------------


@pytest.fixture
def machine() -> MetadataEndpoint:
    return MetadataEndpoint()


@pytest.fixture
async def machines_tokens(
    machine: MetadataEndpoint,
    make_pool: MakePool,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[GoogleTokens]:
    asked: list[str] = []

    async def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with serving(machine.steps()) as server:
        port = server.port
        monkeypatch.setattr(
            "dragoman.secret_sources.google.METADATA",
            server.origin._replace(host="metadata.google.internal"),
        )
        policy = EgressPolicy(parse_networks("127.0.0.1"))
        pool = make_pool(policy=policy, resolve=resolve)
        yield GoogleTokens(MetadataServer(pool), clock)
        assert set(asked) <= {"metadata.google.internal"}
        assert {r.header("host") for r in server.requests} <= {
            f"metadata.google.internal:{port}".encode()
        }


async def test_the_machines_own_token_is_lent(
    machines_tokens: GoogleTokens, machine: MetadataEndpoint
) -> None:
    assert await lent(machines_tokens) == "ya29.c.machine-1" + "." * 20
    assert await lent(machines_tokens, DRIVE, CLOUD_PLATFORM) == "ya29.c.machine-2" + "." * 20
    assert machine.scopes == [None, f"{CLOUD_PLATFORM},{DRIVE}"]


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (answer(b'{"access_token": "ya29.x", "expires_in": 9}'), "(answer)"),
        (
            answer(b"", status=b"404 Not Found", headers=b"metadata-flavor: Google\r\n"),
            "gives out no token (status 404)",
        ),
        (
            answer(b"", status=b"500 Oops", headers=b"metadata-flavor: Google\r\n"),
            "(status 500)",
        ),
    ],
)
async def test_a_metadata_server_that_is_none_or_has_no_token(
    machines_tokens: GoogleTokens, machine: MetadataEndpoint, says: bytes, why: str
) -> None:
    machine.says = says
    with pytest.raises(CredentialUnusable) as failed:
        await machines_tokens.fetch(())
    assert why in failed.value.message
    assert failed.value.message.startswith("Google's metadata server")
