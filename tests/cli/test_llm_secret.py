"""Secrets on their way through the command line: not echoed, printed, or seen in a listing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.background import in_background
from tests.cli.calling import A_KEY, CTRL_C, CTRL_D, Caller, answering
from tests.cli.processes import eventually, using
from tests.running import RunningDragoman
from tests.scripted_upstream import ScriptedUpstream, read_request, serving

SECRET = "sk-planted-5b1c-never-to-be-seen"
COMMON = ("--protocol", "openai", "--model", "tiny", "--endpoint", "https://llm.example/v1")


@pytest.fixture
def name() -> str:
    return f"llm-{uuid4().hex[:12]}"


@contextmanager
def silent() -> Iterator[ScriptedUpstream]:
    """Run a server that reads a request and never answers."""
    with in_background(serving(read_request())) as fake:
        yield fake


def listing(data: Path) -> str:
    """Give what `ps` could tell about every process that works with this folder."""
    return "".join(
        (Path("/proc") / str(pid) / part).read_bytes().decode()
        for pid in using(data)
        for part in ("cmdline", "environ")
    )


def test_a_secret_is_asked_for_without_echo(admin: Caller, name: str) -> None:
    create = ("llm", "create", "--name", name, *COMMON, "--ask-secret", "--verbose", "--json")
    with admin.at_terminal(*create) as terminal:
        terminal.sees("Secret (not shown): ")
        terminal.types(f"{SECRET}\n")
        terminal.sees('"credential": {')
        assert terminal.ends() == 0
    assert SECRET not in terminal.shown
    assert "POST /api/v1/llms: 201" in terminal.shown


@pytest.mark.parametrize(
    ("keys", "status", "words"),
    [("\n", 1, "no secret"), (CTRL_D, 1, "No secret was given"), (CTRL_C, 130, "")],
)
def test_who_gives_none_registers_nothing(
    admin: Caller, name: str, keys: str, status: int, words: str
) -> None:
    with admin.at_terminal("llm", "create", "--name", name, *COMMON, "--ask-secret") as terminal:
        terminal.sees("Secret (not shown): ")
        terminal.types(keys)
        assert terminal.ends() == status
    assert words in terminal.shown
    assert "Traceback" not in terminal.shown
    assert "There is no LLM" in admin.refused("llm", "get", name)


def test_a_secret_comes_from_a_file_or_a_pipe_and_never_out(
    server: RunningDragoman, admin: Caller, name: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    said = [
        admin.run(
            *("llm", "create", "--name", name, *COMMON, "--secret-file", str(tmp_path / "secret")),
            *("--verbose", "--json"),
        ),
        admin.run("llm", "update", name, "--secret-file", "-", stdin=f"{SECRET}-2".encode()),
        admin.run("llm", "get", name, "--json", "--verbose"),
        admin.run("llm", "list", "--json", "--verbose"),
        admin.run("audit", "--json", "--verbose"),
    ]
    for ended in said:
        assert ended.status == 0
        assert SECRET not in ended.output + ended.errors
        assert admin.key not in ended.output + ended.errors
    assert "Changed credential of" in said[1].output
    assert SECRET not in server.log


def test_a_secret_is_in_no_listing_of_processes(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    with silent() as fake:
        create = ("llm", "create", "--name", name, *COMMON, "--secret-file", str(secret))
        process = Caller(fake.url).begin(*create, MARK=str(tmp_path))
        try:
            assert eventually(lambda: any(SECRET.encode() in r.body for r in fake.requests))
            seen = listing(tmp_path)
        finally:
            process.kill()
            process.communicate()
    assert str(secret) in seen
    assert SECRET not in seen


def test_a_secret_is_never_an_argument(admin: Caller, name: str) -> None:
    for option in ("--secret", "--api-key", "--key"):
        ended = admin.run("llm", "create", "--name", name, option, SECRET)
        assert ended.status == 2
        assert SECRET not in ended.output + ended.errors


@pytest.mark.parametrize("status", ["400 Bad Request", "500 Internal Server Error"])
def test_a_server_that_repeats_secrets_is_not_quoted(status: str) -> None:
    said = f'{{"detail": "{SECRET} and {A_KEY}", "errors": [{{"message": "{SECRET} {A_KEY}"}}]}}'
    with answering(said, status=status, kind="application/problem+json") as fake:
        create = ("llm", "create", "--name", "x", *COMMON, "--secret-file", "-", "--verbose")
        ended = Caller(fake.url).run(*create, stdin=SECRET.encode())
    assert ended.status == 1
    assert "****" in ended.errors
    assert SECRET not in ended.errors
    assert A_KEY not in ended.errors


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe" + SECRET.encode()])
def test_what_cannot_be_a_secret_is_refused(admin: Caller, name: str, content: bytes) -> None:
    said = admin.refused(
        "llm", "create", "--name", name, *COMMON, "--secret-file", "-", stdin=content
    )
    assert "secret" in said or "not text" in said
    assert SECRET not in said


def test_without_a_terminal_nobody_is_asked(admin: Caller, name: str) -> None:
    said = admin.refused("llm", "create", "--name", name, *COMMON, "--ask-secret")
    assert "--secret-file" in said


def test_a_key_may_come_from_a_file(admin: Caller, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{admin.key}\n")
    from_file = ("llm", "list", "--api-key-file", str(file))
    assert Caller(admin.url, "").done(*from_file).startswith("Name\t")
    file.write_text("")
    assert "There is no API key in" in admin.refused(*from_file)
    file.write_text("two words")
    assert "two words" not in admin.refused(*from_file)
    file.unlink()
    assert "No such file" in admin.refused(*from_file)


# --- What the operator holds -----------------------------------------------------------------

AT_ONE = (*COMMON[:-1], "https://one.example/v1")


@pytest.fixture
def reference(server: RunningDragoman) -> str:
    """Give the name of a secret that the organization was granted."""
    given = server.cli(
        *("grant", "add", "env://CLI_KEY", "--org", "default"), "--origin", "https://one.example"
    )
    assert given.returncode == 0, given.stderr
    return "env://CLI_KEY"


def credential(admin: Caller, name: str) -> Any:
    return json.loads(admin.done("llm", "get", name, "--json"))["credential"]


def test_a_secret_of_the_operators_is_named(admin: Caller, name: str, reference: str) -> None:
    create = ("llm", "create", "--name", name, *AT_ONE)
    admin.done(*create, "--secret-ref", reference, "--secret-header", "x-key")
    shown = credential(admin, name)
    assert (shown["kind"], shown["reference"]) == ("secret_reference", reference)
    assert f"the operator's {reference}, sent as x-key\n" in admin.done("llm", "get", name)
    assert "Changed credential of" in admin.done(
        "llm", "update", name, "--secret-file", "-", stdin=SECRET.encode()
    )
    assert credential(admin, name)["kind"] == "api_key"
    admin.done("llm", "update", name, "--secret-ref", reference)
    assert credential(admin, name)["reference"] == reference
    again = admin.done("llm", "update", name, "--secret-ref", reference)
    assert again.startswith("Nothing to change: ")


@pytest.mark.parametrize(
    "below",
    [
        {"secret": "sk-of-the-file"},
        {"kind": "api_key", "labels": {"a": "b"}},
        {"reference": "env://OF_THE_FILE", "hints": {"a": "b"}},
        {"kind": "google_adc", "scopes": ["s"], "quota_project_id": None},
        None,
    ],
)
def test_options_stand_before_the_secret_that_a_file_means(
    admin: Caller, name: str, reference: str, below: Any, tmp_path: Path
) -> None:
    (tmp_path / "llm.json").write_text(json.dumps({"credential": below}))
    create = ("llm", "create", "--name", name, *AT_ONE, "--from", str(tmp_path / "llm.json"))
    admin.done(*create, "--secret-ref", reference)
    shown = credential(admin, name)
    assert (shown["reference"], shown["hints"]) == (reference, {})
    assert shown["labels"] == (below or {}).get("labels", {})
    update = ("llm", "update", name, "--from", str(tmp_path / "llm.json"), "--secret-file", "-")
    admin.done(*update, stdin=SECRET.encode())
    assert credential(admin, name)["kind"] == "api_key"


def test_what_is_printed_of_a_named_secret_can_be_given_back(
    admin: Caller, name: str, reference: str, tmp_path: Path
) -> None:
    admin.done("llm", "create", "--name", name, *AT_ONE, "--secret-ref", reference)
    (tmp_path / "llm.json").write_text(admin.done("llm", "get", name, "--json"))
    again = admin.done("llm", "update", name, "--from", str(tmp_path / "llm.json"))
    assert again.startswith("Nothing to change: ")


def test_what_is_not_granted_is_told(admin: Caller, name: str) -> None:
    line = admin.refused("llm", "create", "--name", name, *AT_ONE, "--secret-ref", "env://NOBODYS")
    assert "is not a secret that the operator has granted to this organization" in line
    for option in ("--ask-secret", "--no-secret"):
        ended = admin.run("llm", "update", name, "--secret-ref", "env://A", option)
        assert ended.status == 2
