"""Secrets that the operator holds, through the server as it is shipped, with two workers."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from tests.background import in_background
from tests.borrowing import Beside, beside
from tests.cli.processes import eventually
from tests.faults.answers import JSON, plain
from tests.running import RunningDragoman
from tests.scripted_upstream import ScriptedUpstream, forever, read_request, reply, serving
from tests.secret_sources.vault_server import TOKEN, VaultServer

SECRETS = {"env": "sk-canary-env", "file": "sk-canary-file", "vault": "sk-canary-vault"}
FELT_WITHIN_S = 1.0
"""How long a change takes at most to be heard of by every worker [s]."""

CALLS = 8
"""Enough that each worker has some."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """Run an LLM that writes back what it was sent as a credential."""

    def echo(request: Any) -> bytes:
        sent = request.header("authorization").decode()
        return plain(json.dumps({"choices": [{"message": {"content": sent}}]}).encode(), JSON)

    with in_background(serving(forever(read_request(), reply(echo)))) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    """Run the server with every source but Google's; the vault speaks TLS."""
    folder = tmp_path_factory.mktemp("held")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "key").write_text(f"{SECRETS['file']}\n")
    (folder / "token").write_text(TOKEN)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    vault = VaultServer({"kv/team": {"key": SECRETS["vault"]}})
    with pytest.MonkeyPatch.context() as patch, in_background(vault.serving(tls)) as at:
        patch.setenv("HELD_KEY", SECRETS["env"])
        with RunningDragoman.start(
            folder / "data",
            workers=2,
            secret_files=str(folder / "secrets"),
            vault_address=at.url,
            vault_token_file=str(folder / "token"),
            ca_bundle=str(folder / "ca.pem"),
        ) as server:
            yield server


@pytest.fixture
async def operator(server: RunningDragoman) -> AsyncIterator[Beside]:
    async with beside(server) as operator:
        yield operator


def call(client: httpx2.Client, model: str) -> httpx2.Response:
    return client.post("/v1/chat/completions", json={"model": model, "messages": []})


def uris(server: RunningDragoman) -> dict[str, str]:
    return {
        "env": "env://HELD_KEY",
        "file": f"file://{server.data_dir.parent}/secrets/key",
        "vault": "vault://kv/team#key",
    }


@pytest.mark.parametrize("source", SECRETS)
async def test_an_llm_is_called_with_a_secret_that_is_lent(
    server: RunningDragoman, upstream: ScriptedUpstream, operator: Beside, source: str
) -> None:
    secret = uris(server)[source]
    await operator.grant(secret, upstream.url)
    await operator.register(f"{upstream.url}/v1/chat/completions", secret, source)
    await asyncio.sleep(FELT_WITHIN_S)  # a worker may remember what was granted before
    upstream.requests.clear()
    with server.client() as client:
        for _ in range(CALLS):
            answer = call(client, source)
            assert answer.status_code == 200, answer.text
            assert "canary" not in answer.text  # the upstream wrote it back
        shown = client.get("/api/v1/llms").text
    sent = [request.header("authorization") for request in upstream.requests]
    assert sent == [f"Bearer {SECRETS[source]}".encode()] * CALLS
    stored = (server.data_dir / "dragoman.db").read_bytes()
    for text in (shown, server.log, server.output, stored.decode(errors="replace")):
        assert SECRETS[source] not in text
        assert TOKEN not in text


async def test_what_is_not_granted_any_more_and_what_is_not_there_read_the_same(
    server: RunningDragoman, upstream: ScriptedUpstream, operator: Beside
) -> None:
    url = f"{upstream.url}/v1/chat/completions"
    upstream.requests.clear()
    bodies = set()
    with server.client() as client:
        for name, secret in {
            "ungranted": "env://HELD_ALSO",
            "missing": "env://NOT_SET",
            "missing in the vault": "vault://kv/nothing#key",
            "missing field": "vault://kv/team#nothing",
            "missing file": f"file://{server.data_dir.parent}/secrets/nothing",
            "own token": f"file://{server.data_dir.parent}/token",
        }.items():
            grant = await operator.grant(secret, upstream.url)
            llm_id = await operator.register(url, secret, name)
            if name == "ungranted":
                await operator.take(grant)
            answer = call(client, name)
            assert (answer.status_code, answer.headers["x-dragoman-fault"]) == (502, "operator")
            assert answer.json()["error"]["code"] == "credential_unusable"
            bodies.add(answer.text)
            pinged = client.post("/goodmem/v1/ping:once", json={"targetId": llm_id}).json()
            assert (pinged["ok"], pinged["metadata"]) == (False, {"stage": "credential"})
            bodies.add(pinged["errorMessage"])
    assert len(bodies) == 2
    assert upstream.requests == []


async def test_whether_a_secret_can_be_had_is_seen_beside_the_llm(
    server: RunningDragoman, upstream: ScriptedUpstream, operator: Beside
) -> None:
    grant = await operator.grant("env://HOME", upstream.url)
    llm_id = await operator.register(f"{upstream.url}/v1/chat/completions", "env://HOME", "seen")
    with server.client() as client:

        def state() -> object:
            return client.get(f"/api/v1/llms/{llm_id}/credential").json()["state"]

        eventually(lambda: state() == "resolved")
        await operator.take(grant)
        eventually(lambda: state() == "unresolved")


def test_doctor_tries_the_sources_and_shows_no_token(server: RunningDragoman) -> None:
    ended = server.cli("doctor")
    assert "accepts the token." in ended.stdout
    assert "/secrets may be granted." in ended.stdout
    assert "canary" not in ended.stdout + ended.stderr


def test_a_vault_that_does_not_answer_is_told_by_doctor(
    server: RunningDragoman, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = server.environment | {"DRAGOMAN_VAULT_ADDRESS": "https://127.0.0.1:9"}
    monkeypatch.setattr(server, "environment", elsewhere)
    ended = server.cli("doctor", "--json")
    assert ended.returncode == 1
    findings = {each["check"]: each for each in json.loads(ended.stdout)["findings"]}
    assert findings["vault"]["level"] == "problem"
    assert "Connection refused" in findings["vault"]["message"]
    assert ended.stderr == ""
