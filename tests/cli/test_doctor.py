"""`dragoman doctor`: each thing that can be wrong is found, and said with the next step."""

import json
import resource
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dragoman import __version__
from dragoman.app import presence
from dragoman.app.clock import SystemClock
from dragoman.app.examination import machine
from dragoman.app.examination.examine import examine
from dragoman.vault.keys import Keyring
from tests.cli.command import dragoman
from tests.cli.conftest import contents
from tests.postgres import PostgresServer
from tests.running import RunningDragoman, registration

DAY_MS = 24 * 60 * 60 * 1000


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with a machine that is well, and with no settings."""
    monkeypatch.setattr(machine, "_has_wal_reset_fault", lambda _: False)


async def found(data_dir: Path) -> dict[str, list[tuple[str, str]]]:
    """Carry out the checks; gives levels and messages by check."""
    results: dict[str, list[tuple[str, str]]] = {}
    async for each in examine({"data_dir": str(data_dir)}):
        assert each.message.endswith((".", ")")), each.message
        results.setdefault(each.check, []).append((str(each.level), each.message))
    return results


def levels(findings: list[tuple[str, str]]) -> list[str]:
    return [level for level, _ in findings]


def change(data_dir: Path, *statements: str) -> None:
    with closing(sqlite3.connect(data_dir / "dragoman.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def register(data_dir: Path, text: str) -> None:
    """Register platform LLMs, with the secret in the file."""
    (data_dir.parent / "p.yaml").write_text(text)
    ended = dragoman(
        *("platform", "apply", data_dir.parent / "p.yaml", "--allow-plain-secrets"),
        data_dir=data_dir,
        egress_allow="10.0.0.0/8",
    )
    assert ended.status == 0, ended.errors


LLM = """
llms:
  - display_name: mine
    protocol: openai
    model: m
    endpoints: [{url: "https://one.example/v1/chat/completions"}]
    credential: {secret: sk-canary-55}
    headers: {x-more: more-canary-55}
"""


# --- The command -----------------------------------------------------------------------------


def test_a_healthy_installation_ends_with_status_0(data_dir: Path) -> None:
    before = contents(data_dir)
    ended = dragoman("doctor", data_dir=data_dir)
    assert (ended.status, ended.errors) == (0, "")
    assert "0 problems, " in ended.output
    for word in ("python", "settings", "database", "key file", "secrets", "organizations"):
        assert f"ok       {word}: " in ended.output
    assert contents(data_dir) == before


def test_a_problem_ends_with_status_1_also_in_json(tmp_path: Path) -> None:
    ended = dragoman("doctor", "--json", data_dir=tmp_path / "nothing", pord="80")
    assert ended.status == 1
    told = json.loads(ended.output)
    assert told["version"] == __version__
    assert {
        "check": "settings",
        "level": "problem",
        "message": "DRAGOMAN_PORD is not a setting; docs/settings.md lists them all.",
    } in told["findings"]
    assert {finding["level"] for finding in told["findings"]} <= {"ok", "warning", "problem"}


def test_no_secret_and_no_password_is_printed(data_dir: Path) -> None:
    register(data_dir, LLM)
    url = "postgresql://me:pass-canary-55@127.0.0.1:1/registry"
    for settings in ({}, {"database_url": url}):
        ended = dragoman("doctor", data_dir=data_dir, **settings)
        assert "canary" not in ended.output + ended.errors
        assert ended.status == len(settings)
    assert "The database cannot be used" in ended.output


def test_a_running_server_is_asked(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data", workers=2) as server:
        ended = server.cli("doctor", "--json")
        findings = {each["check"]: each for each in json.loads(ended.stdout)["findings"]}
        assert findings["server"]["message"] == f"The server on {server.url} is ready."
        assert findings["files"]["level"] == "warning"
        assert "admin.key still holds" in findings["files"]["message"]


# --- The machine -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 40, 1), "faulty"),
        ((3, 44, 5), "faulty"),
        ((3, 44, 6), "mended"),
        ((3, 45, 9), "faulty"),
        ((3, 50, 7), "mended"),
        ((3, 51, 2), "faulty"),
        ((3, 51, 3), "mended"),
        ((3, 53, 0), "mended"),
        ((4, 0, 0), "mended"),
    ],
)
def test_the_versions_of_sqlite_with_a_fault_are_known(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], expected: str
) -> None:
    monkeypatch.undo()
    assert machine._has_wal_reset_fault(version) is (expected == "faulty")


async def test_every_setting_that_is_wrong_is_told(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("PORT", "http"), ("NOTHING", "x"), ("EGRESS_ALLOW", "all")):
        monkeypatch.setenv(f"DRAGOMAN_{name}", text)
    results = await found(data_dir)
    assert sorted(message.split()[0].rstrip(":") for _, message in results["settings"]) == [
        "DRAGOMAN_EGRESS_ALLOW",
        "DRAGOMAN_NOTHING",
        "DRAGOMAN_PORT",
    ]
    assert levels(results["settings"]) == ["problem"] * 3
    assert levels(results["database"]) == ["ok"]


@pytest.mark.parametrize(
    ("allowed", "level", "words"),
    [
        ("", "ok", "Only public"),
        ("10.0.0.0/8", "ok", "1 listed network "),
        ("0.0.0.0/0", "warning", "opens 0.0.0.0/0"),
        ("0.0.0.0/1,128.0.0.0/1", "warning", "opens 0.0.0.0/1, 128.0.0.0/1"),
        ("::/0", "warning", "opens ::/0"),
        ("169.254.169.254/32", "warning", "names 169.254.169.254/32"),
        ("fd00:ec2::254", "warning", "names fd00:ec2::254/128"),
    ],
)
async def test_egress_that_is_too_open_is_told(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, allowed: str, level: str, words: str
) -> None:
    monkeypatch.setenv("DRAGOMAN_EGRESS_ALLOW", allowed)
    ((found_level, message),) = (await found(data_dir))["egress"]
    assert (found_level, words in message) == (level, True), message


async def test_a_proxy_that_cannot_be_meant_is_told_without_its_password(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_EGRESS_PROXY", "http://ada:pw/4f1d7c@proxy.test:3128")
    everything = await found(data_dir)
    ((level, message),) = everything["settings"]
    assert (level, "DRAGOMAN_EGRESS_PROXY" in message) == ("problem", True)
    assert "4f1d7c" not in str(everything)


async def test_authorities_that_cannot_be_read_are_a_problem(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_CA_BUNDLE", str(data_dir / "kek"))
    assert levels((await found(data_dir))["certificates"]) == ["problem"]


async def test_few_descriptors_and_little_space_are_told(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 2048))
    usage = shutil.disk_usage(data_dir)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=500 * 2**20))
    results = await found(data_dir)
    assert levels(results["file descriptors"]) == ["warning"]
    assert levels(results["disk"]) == ["warning"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**20))
    assert levels((await found(data_dir))["disk"]) == ["problem"]


# --- Files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mode", "check", "level"),
    [
        ("", 0o755, "data directory", "warning"),
        ("dragoman.db", 0o644, "files", "problem"),
        ("kek", 0o644, "key file", "problem"),
        ("kek", 0o640, "key file", "warning"),
    ],
)
async def test_what_lies_open_to_others_is_told(
    data_dir: Path, name: str, mode: int, check: str, level: str
) -> None:
    (data_dir / name).chmod(mode)
    finding = (await found(data_dir))[check][0]
    assert finding[0] == level
    assert "chmod" in finding[1]


async def test_a_first_admin_key_that_was_not_fetched_is_told(data_dir: Path) -> None:
    (data_dir / "admin.key").touch(mode=0o600)
    assert levels((await found(data_dir))["files"]) == ["warning"]


DAMAGED_KEY_FILES: dict[str, Callable[[Path], Any]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_text(""),
    "cut": lambda path: path.write_text(path.read_text()[:-9]),
}


@pytest.mark.parametrize("damage", DAMAGED_KEY_FILES)
async def test_a_key_file_that_cannot_be_read_is_a_problem(data_dir: Path, damage: str) -> None:
    DAMAGED_KEY_FILES[damage](data_dir / "kek")
    results = await found(data_dir)
    assert levels(results["key file"]) == ["problem"]
    assert "secrets" not in results


async def test_another_key_file_is_a_problem(data_dir: Path) -> None:
    register(data_dir, LLM)
    (data_dir / "kek").write_text(Keyring.generate().to_text())
    results = await found(data_dir)
    assert "lacks kek_" in results["key file"][1][1]
    assert levels(results["key file"]) == ["ok", "problem"]
    assert levels(results["installation"]) == ["problem"]
    assert levels(results["secrets"]) == ["problem"]


# --- The database ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "There is no database in"),
        (lambda path: path.write_bytes(b"Dear diary, " * 1000), "is not a SQLite database"),
        (lambda path: path.write_bytes(b""), "The database is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[: 4096 * 9]), "malformed"),
    ],
    ids=["missing", "no database", "empty", "cut"],
)
async def test_a_database_that_cannot_be_used_is_a_problem(
    data_dir: Path, damage: Callable[[Path], Any], words: str
) -> None:
    damage(data_dir / "dragoman.db")
    results = await found(data_dir)
    ((level, message),) = results["database"]
    assert (level, words in message) == ("problem", True), message
    assert "secrets" not in results
    assert levels(results["server"]) == ["warning"]


async def test_a_page_that_is_overwritten_is_found(data_dir: Path) -> None:
    path = data_dir / "dragoman.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    path.write_bytes(content)
    assert levels((await found(data_dir))["database"]) == ["problem"]


@pytest.mark.parametrize(("step", "words"), [("0001", "dragoman migrate"), ("9999", "newer")])
async def test_another_schema_is_a_problem(data_dir: Path, step: str, words: str) -> None:
    change(data_dir, f"UPDATE alembic_version SET version_num = '{step}'")  # noqa: S608
    ((level, message),) = (await found(data_dir))["database"]
    assert (level, words in message) == ("problem", True), message


async def test_postgresql_is_looked_at_too(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    monkeypatch.setenv("DRAGOMAN_DATABASE_URL", postgres.new_database(prepared=True))
    results = await found(data_dir)
    assert levels(results["database"]) == ["ok"]
    assert "PostgreSQL" in results["database"][0][1]
    assert levels(results["installation"]) == ["problem"]
    for check in ("llms", "clock", "api keys", "organizations"):
        assert levels(results[check]) == ["ok"]
    assert "sqlite" not in results


# --- What is stored --------------------------------------------------------------------------


async def test_a_database_without_an_installation_is_a_problem(data_dir: Path) -> None:
    change(data_dir, "DELETE FROM deployment")
    assert levels((await found(data_dir))["installation"]) == ["problem"]


@pytest.mark.parametrize("field", ["credential", "header:x-more"])
async def test_a_secret_that_does_not_open_is_a_problem(data_dir: Path, field: str) -> None:
    register(data_dir, LLM)
    assert levels((await found(data_dir))["secrets"]) == ["ok"]
    change(data_dir, f"UPDATE llm_secrets SET ciphertext = x'00' WHERE field = '{field}'")  # noqa: S608
    ((level, message),) = (await found(data_dir))["secrets"]
    assert level == "problem"
    assert "of 1 of 1 LLM do not open" in message
    assert "'mine'" in message


async def test_more_llms_than_one_page_are_looked_at(data_dir: Path) -> None:
    members = "\n".join(f"  - {{display_name: l{n}, protocol: none, model: m}}" for n in range(405))
    register(data_dir, f"llms:\n{members}")
    seen = []
    async for _ in examine({"data_dir": str(data_dir)}, lambda done, of: seen.append((done, of))):
        pass
    assert seen == [(n + 1, 405) for n in range(405)]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ("protocol: gemini, endpoints: [{url: 'https://a.example'}]", "protocol of 1 LLM: "),
        ("protocol: openai, endpoints: [{url: 'http://10.0.0.1'}]", "not open the URLs of 1 LLM"),
        (
            "protocol: openai, endpoints: [{url: 'http://llm.internal'}], credential: {secret: s1}",
            "over plain http",
        ),
        ("protocol: none", None),
        ("protocol: openai, endpoints: [{url: 'http://llm.internal'}]", None),
    ],
)
async def test_an_llm_that_cannot_be_called_is_told(
    data_dir: Path, members: str, words: str | None
) -> None:
    register(data_dir, f"llms: [{{display_name: it, model: m, {members}}}]")
    ((level, message),) = (await found(data_dir))["llms"]
    assert level == ("ok" if words is None else "warning")
    assert words is None or (words in message and "'it'" in message)


async def test_an_llm_whose_grant_was_taken_is_told(data_dir: Path) -> None:
    assert levels((await found(data_dir))["grants"]) == ["ok"]
    register(data_dir, LLM.replace("secret: sk-canary-55", "reference: env://CANARY_KEY"))
    assert levels((await found(data_dir))["grants"]) == ["ok"]
    change(data_dir, "DELETE FROM grants")
    ((level, message),) = (await found(data_dir))["grants"]
    assert level == "warning"
    assert "Calls of 1 LLM are refused" in message
    assert "'mine'" in message


async def test_a_clock_that_is_behind_is_told(data_dir: Path) -> None:
    change(data_dir, f"UPDATE audit SET at_ms = {SystemClock().now_ms() + 3_600_000}")  # noqa: S608
    ((level, message),) = (await found(data_dir))["clock"]
    assert level == "warning"
    assert "3600 s ahead" in message or "3599 s ahead" in message


@pytest.mark.parametrize(
    ("days", "revoked", "level"),
    [(13, "NULL", "warning"), (15, "NULL", "ok"), (-1, "NULL", "ok"), (13, "1", "ok")],
)
async def test_a_key_that_ends_soon_is_told(
    data_dir: Path, days: int, revoked: str, level: str
) -> None:
    end_ms = SystemClock().now_ms() + days * DAY_MS
    change(data_dir, f"UPDATE api_keys SET expires_at_ms = {end_ms}, revoked_at_ms = {revoked}")  # noqa: S608
    ((found_level, message),) = (await found(data_dir))["api keys"]
    assert found_level == level
    assert level == "ok" or "'first admin' of 'default' on 20" in message


@pytest.mark.parametrize(
    ("statement", "level"),
    [
        ("UPDATE api_keys SET revoked_at_ms = 1", "warning"),
        ("UPDATE api_keys SET expires_at_ms = 1", "warning"),
        ("UPDATE principals SET role = 'editor'", "warning"),
        ("UPDATE api_keys SET permissions = '[\"llm:use:any\"]'", "warning"),
        ("UPDATE api_keys SET permissions = '[\"organization:administer\"]'", "ok"),
    ],
)
async def test_an_organization_that_nobody_administers_is_told(
    data_dir: Path, statement: str, level: str
) -> None:
    change(data_dir, statement)
    ((found_level, message),) = (await found(data_dir))["organizations"]
    assert found_level == level
    assert level == "ok" or "1 organization: default." in message


# --- The server ------------------------------------------------------------------------------


async def test_a_server_that_does_not_answer_is_a_problem(data_dir: Path) -> None:
    held = presence.Presence(data_dir)
    held.announce("http://127.0.0.1:9")
    assert levels((await found(data_dir))["server"]) == ["problem"]


async def test_a_server_of_another_version_is_told(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "__version__", "0.0.9")
    held = presence.Presence(data_dir)
    held.announce("http://127.0.0.1:9")
    monkeypatch.undo()
    first, _ = (await found(data_dir))["server"]
    assert first[0] == "warning"
    assert "is version 0.0.9" in first[1]


async def test_a_server_that_is_starting_is_told(data_dir: Path) -> None:
    held = presence.Presence(data_dir)
    assert held is not None
    assert levels((await found(data_dir))["server"]) == ["warning"]


def test_an_llm_that_was_registered_through_the_api_is_looked_at(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data") as server, server.client() as client:
        body = registration("https://one.example/v1/chat/completions")
        assert client.post("/v1/llms", json=body).status_code == 201
        ended = server.cli("doctor")
        assert "Every stored secret of 1 LLM opens." in ended.stdout
