"""`vault://mount/path#field` against a server that speaks as OpenBao and Vault do."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dragoman.domain.errors import CredentialUnusable
from dragoman.secret_sources import asking
from dragoman.secret_sources.vault_kv import FRESH_FOR_MS, VaultKV, VaultToken
from dragoman.upstream.answer import AnswerLimits
from dragoman.upstream.egress import EgressPolicy
from dragoman.upstream.pool import HttpPool
from tests.registry.installation import SetClock
from tests.scripted_upstream import ScriptedUpstream, cut, read_request, serving
from tests.secret_sources.vault_server import (
    BROKEN,
    MOVED,
    SEALED,
    TOKEN,
    VaultServer,
    refusal,
)
from tests.secret_sources.vault_source import GRACE_MS, OPENAI, SECRET, lent, source_at, why
from tests.upstream.calling import MakePool, answer

REFUSED_PORT = "http://127.0.0.1:9"


@pytest.fixture
def vault() -> VaultServer:
    return VaultServer(
        {
            "kv/team/openai": {"key": SECRET, "number": 7, "none": None, "empty": "", "a.b@c": "x"},
            "kv/team/deleted": None,
            "other-kv/a": {"key": "sk-other"},
        }
    )


@pytest.fixture
async def server(vault: VaultServer) -> AsyncIterator[ScriptedUpstream]:
    async with vault.serving() as server:
        yield server


@pytest.fixture
def source(server: ScriptedUpstream, pool: HttpPool, clock: SetClock) -> VaultKV:
    return source_at(server.url, pool, clock)


@pytest.fixture
def with_file(
    server: ScriptedUpstream, pool: HttpPool, clock: SetClock, tmp_path: Path
) -> tuple[VaultKV, Path]:
    """Give a source whose token is in a file, and the file, which is not there yet."""
    file = tmp_path / "token"
    return source_at(server.url, pool, clock, VaultToken(None, file)), file


# --- What is there ---------------------------------------------------------------------------


async def test_a_field_of_a_secret_is_lent(source: VaultKV, vault: VaultServer) -> None:
    assert await lent(source) == SECRET
    assert await lent(source, "vault://kv/team/openai#a.b@c") == "x"
    assert await lent(source, "vault://other-kv/a#key") == "sk-other"
    assert vault.paths[0] == "/v1/kv/data/team/openai"
    (first, *_) = vault.asked
    assert first.header("x-vault-token") == TOKEN.encode()
    assert first.header("x-vault-request") == b"true"
    assert first.header("x-vault-namespace") is None
    assert SECRET not in repr(await source.fetch(OPENAI))


async def test_the_address_may_have_a_path_and_the_vault_a_namespace(
    server: ScriptedUpstream, vault: VaultServer, pool: HttpPool, clock: SetClock
) -> None:
    source = VaultKV(
        pool,
        address=f"{server.url}/behind/",
        token=VaultToken(TOKEN, None),
        namespace="team-a/llms",
        clock=clock,
        grace_ms=GRACE_MS,
    )
    assert await lent(source) == SECRET
    assert vault.paths == ["/behind/v1/kv/data/team/openai"]
    assert vault.asked[0].header("x-vault-namespace") == b"team-a/llms"


@pytest.mark.parametrize(
    "uri",
    [
        "vault://kv/team/missing#key",
        "vault://kv/team/deleted#key",
        "vault://kv/team/openai#missing",
        "vault://kv/team/openai#number",
        "vault://kv/team/openai#none",
        "vault://kv/team/openai#empty",
        "vault://wrong/team/openai#key",
    ],
)
async def test_what_the_vault_does_not_have_as_a_text_is_not_there(
    source: VaultKV, uri: str
) -> None:
    assert await lent(source, uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "vault://kv/team/../other/openai#key",
        "vault://kv/team/..#key",
        "vault://kv/./openai#key",
        "vault://../kv/openai#key",
        "vault://kv/team//openai#key",
        "vault://kv/team/openai/#key",
        "vault://kv/team/openai",
        "vault://kv/openai?version=1#key",
        "vault://kv/open%61i#key",
        "vault://kv#key",
        "env://KEY",
    ],
)
async def test_a_path_that_means_another_one_is_never_asked_for(
    source: VaultKV, vault: VaultServer, uri: str
) -> None:
    assert await lent(source, uri) is None
    assert vault.asked == []


async def test_what_the_token_may_not_read_is_as_unknown_as_what_is_not_there_but_for_the_log(
    source: VaultKV, vault: VaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    vault.forbidden.add("kv/team/openai")
    with caplog.at_level(logging.WARNING):
        assert await lent(source) is None
    (line,) = caplog.records
    assert vars(line)["reason"] == "status 403"
    assert vars(line)["secret"] == OPENAI


# --- How it is asked -------------------------------------------------------------------------


async def test_it_is_asked_once_for_many_and_again_when_that_is_old(
    source: VaultKV, vault: VaultServer, clock: SetClock
) -> None:
    for _ in range(2):
        assert set(await asyncio.gather(*(lent(source) for _ in range(50)))) == {SECRET}
    assert len(vault.asked) == 1
    vault.secrets["kv/team/openai"] = {"key": "sk-rotated"}
    clock.time_ms += FRESH_FOR_MS
    assert await lent(source) == "sk-rotated"


async def test_a_token_file_is_read_whenever_it_is_needed(
    with_file: tuple[VaultKV, Path], vault: VaultServer, clock: SetClock
) -> None:
    source, file = with_file
    assert await why(source) == "The vault cannot be asked for the LLM's credential (token)."
    for token in ("hvs.first", "hvs.second"):
        file.write_text(f"{token}\n")
        vault.token = token
        clock.time_ms += FRESH_FOR_MS
        assert await lent(source) == SECRET
        assert vault.asked[-1].header("x-vault-token") == token.encode()


@pytest.mark.parametrize("content", [b"", b"\n", b"a b", b"hvs.\xff", "hvs.ä".encode()])
async def test_a_token_that_is_none_is_not_sent(
    with_file: tuple[VaultKV, Path], vault: VaultServer, content: bytes
) -> None:
    source, file = with_file
    file.write_bytes(content)
    assert "(token)" in await why(source)
    assert vault.asked == []


async def test_the_vault_is_asked_whether_it_accepts_the_token(
    source: VaultKV, vault: VaultServer
) -> None:
    await source.require_token()
    assert vault.paths == ["/v1/auth/token/lookup-self"]
    vault.token = "hvs.another"
    with pytest.raises(CredentialUnusable, match="does not accept the token"):
        await source.require_token()
    vault.says = SEALED
    with pytest.raises(CredentialUnusable, match="sealed"):
        await source.require_token()


# --- A vault that fails ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "stage"),
    [
        (SEALED, "sealed"),
        (BROKEN, "answer"),
        (answer(b'{"data": 1}'), "answer"),
        (answer(b'{"data": {"data": [1]}}'), "answer"),
        (answer(b"[" * 60_000), "answer"),
        (MOVED, "status 307"),
        (refusal(b"500 Internal Server Error", f"{TOKEN} {SECRET}"), "status 500"),
        (refusal(b"400 Bad Request", f"{TOKEN} {SECRET}"), "status 400"),
        (refusal(b"429 Too Many Requests"), "status 429"),
        (b"this is not HTTP\r\n\r\n", "answer"),
    ],
)
async def test_a_vault_that_fails_is_told_by_its_stage_and_nothing_else(
    source: VaultKV, vault: VaultServer, says: bytes, stage: str
) -> None:
    vault.says = says
    assert await why(source) == f"The vault cannot be asked for the LLM's credential ({stage})."


async def test_a_vault_that_does_not_stop(
    server: ScriptedUpstream, vault: VaultServer, make_pool: MakePool, clock: SetClock
) -> None:
    vault.says = answer(b"x" * 70_000)
    pool = make_pool(limits=AnswerLimits(answer=65_536))
    assert "(answer)" in await why(source_at(server.url, pool, clock))


async def test_a_vault_that_is_not_there(pool: HttpPool, clock: SetClock) -> None:
    assert "(connect)" in await why(source_at(REFUSED_PORT, pool, clock))


async def test_a_vault_that_hangs_up(pool: HttpPool, clock: SetClock) -> None:
    async with serving(read_request(), cut()) as server:
        assert "(answer)" in await why(source_at(server.url, pool, clock))


async def test_a_vault_that_says_nothing(
    pool: HttpPool, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = asking.DEADLINES.__class__(connect_s=1, first_byte_s=0.05, idle_s=1, total_s=1)
    monkeypatch.setattr("dragoman.secret_sources.vault_kv.DEADLINES", quick)
    async with serving(read_request()) as server:
        assert "(timeout)" in await why(source_at(server.url, pool, clock))


async def test_a_vault_at_an_address_that_is_closed(make_pool: MakePool, clock: SetClock) -> None:
    pool = make_pool(policy=EgressPolicy())
    assert "(egress)" in await why(source_at(REFUSED_PORT, pool, clock))


async def test_what_is_known_is_lent_on_while_the_vault_is_sealed_and_not_when_it_says_it_is_gone(
    source: VaultKV, vault: VaultServer, clock: SetClock
) -> None:
    assert await lent(source) == SECRET
    vault.says = SEALED
    clock.time_ms += FRESH_FOR_MS
    assert await lent(source) == SECRET
    vault.says = None
    vault.secrets["kv/team/openai"] = None
    clock.time_ms += FRESH_FOR_MS
    assert await lent(source) is None
    vault.says = SEALED
    clock.time_ms += FRESH_FOR_MS
    assert "(sealed)" in await why(source)
