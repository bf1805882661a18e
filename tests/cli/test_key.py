"""`dragoman key`: making, listing and revoking API keys on the data directory."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import dragoman, refused
from tests.cli.conftest import contents
from tests.cli.processes import eventually
from tests.running import RunningDragoman

KEY = re.compile(r"dgm_[a-z2-7]{39}")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def create(data_dir: Path, name: str, role: str = "caller") -> tuple[str, str]:
    """Make a key; gives its text and its id."""
    made = dragoman("key", "create", "--role", role, "--name", name, data_dir=data_dir)
    assert (made.status, made.errors) == (0, "")
    text, id_ = KEY.findall(made.output), UUID.findall(made.output)
    assert made.output == (
        f"{text[0]}\n\nThis is the only time the key is shown. Its id: {id_[0]}\n"
    )
    return text[0], id_[0]


def listed(data_dir: Path) -> str:
    ended = dragoman("key", "list", data_dir=data_dir)
    assert (ended.status, ended.errors) == (0, "")
    return ended.output


def rows(data_dir: Path, query: str, *parameters: str) -> list[Any]:
    with sqlite3.connect(data_dir / "dragoman.db") as database:
        found = database.execute(query, parameters).fetchall()
    database.close()
    return found


@pytest.mark.parametrize("role", ["admin", "editor", "viewer", "caller"])
def test_each_role_can_be_given(data_dir: Path, role: str) -> None:
    _, key_id = create(data_dir, f"my {role}", role)
    assert rows(
        data_dir,
        "SELECT k.id, k.name, p.name, p.role FROM api_keys k JOIN principals p "
        "ON p.id = k.principal_id WHERE k.name <> 'first admin'",
    ) == [(key_id, f"my {role}", f"my {role}", role)]


def test_plain_prints_the_key_and_nothing_else(data_dir: Path) -> None:
    arguments = ("key", "create", "--role", "caller", "--name", "mine", "--plain")
    made = dragoman(*arguments, data_dir=data_dir)
    assert (made.status, made.errors) == (0, "")
    assert KEY.fullmatch(made.output.removesuffix("\n"))


def test_the_list_shows_what_is_needed_to_revoke_a_key(data_dir: Path) -> None:
    _, key_id = create(data_dir, "short")
    _, other_id = create(data_dir, "a long name " * 10, "editor")
    shown = listed(data_dir)
    assert key_id in shown
    assert other_id in shown
    for word in ("first admin", "short", "admin", "caller", "editor", "active"):
        assert word in shown


def test_the_list_never_shows_a_keys_text(data_dir: Path) -> None:
    text, _ = create(data_dir, "mine")
    (digest,) = rows(data_dir, "SELECT lower(hex(digest)) FROM api_keys WHERE name = 'mine'")
    shown = listed(data_dir).lower()
    assert "dgm_" not in shown
    assert text[4:12] not in shown
    assert digest[0][:8] not in shown


@pytest.mark.parametrize("name", ["[bold]shouted[/bold]", ":smile:", "[/]", "[link=x]y"])
def test_a_name_is_shown_as_it_is(data_dir: Path, name: str) -> None:
    create(data_dir, name)
    assert name in listed(data_dir)


def test_a_key_ends_by_its_id(data_dir: Path) -> None:
    _, key_id = create(data_dir, "mine")
    ended = dragoman("key", "revoke", key_id, data_dir=data_dir)
    assert ended == (0, f"Revoked 'mine' ({key_id}).\n", "")
    (line,) = [line for line in listed(data_dir).splitlines() if "mine" in line]
    assert "revoked" in line


def test_a_key_ends_by_its_name_and_the_name_is_free_again(data_dir: Path) -> None:
    _, first = create(data_dir, "mine")
    assert dragoman("key", "revoke", "mine", data_dir=data_dir).output.endswith(f"({first}).\n")
    assert refused("key", "revoke", "mine", data_dir=data_dir) == (
        "There is no active API key with this id or name."
    )
    _, second = create(data_dir, "mine")
    assert dragoman("key", "revoke", "mine", data_dir=data_dir).output.endswith(f"({second}).\n")


def test_a_name_that_several_keys_have_ends_none_and_lists_their_ids(data_dir: Path) -> None:
    ids = [create(data_dir, "twin")[1], create(data_dir, "twin")[1]]
    assert refused("key", "revoke", "twin", data_dir=data_dir) == (
        f"Several keys have this name; use an id: {ids[0]}, {ids[1]}."
    )
    assert rows(data_dir, "SELECT COUNT(*) FROM api_keys WHERE revoked_at_ms IS NOT NULL") == [(0,)]


def test_a_pasted_key_is_not_repeated(data_dir: Path) -> None:
    text, _ = create(data_dir, "mine")
    ended = dragoman("key", "revoke", text, data_dir=data_dir)
    assert text not in ended.output + ended.errors


def test_making_and_ending_a_key_is_in_the_audit_trail(data_dir: Path) -> None:
    text, key_id = create(data_dir, "mine")
    dragoman("key", "revoke", key_id, data_dir=data_dir)
    entries = rows(
        data_dir,
        "SELECT action, actor_id, key_id, organization_id = "
        "(SELECT id FROM organizations WHERE name = 'default') "
        "FROM audit WHERE target_id = ? ORDER BY at_ms, action",
        key_id,
    )
    assert entries == [("key.create", "operator", None, 1), ("key.revoke", "operator", None, 1)]
    assert text not in str(rows(data_dir, "SELECT * FROM audit"))


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_an_unknown_organization_is_named(data_dir: Path, command: str) -> None:
    arguments = {"create": ["--role", "caller", "--name", "x"], "revoke": ["x"]}.get(command, [])
    line = refused("key", command, *arguments, "--org", "nobody's", data_dir=data_dir)
    assert line == "There is no organization named 'nobody's'; see 'dragoman org list'."


def test_an_organization_that_is_not_text_is_unknown(data_dir: Path) -> None:
    line = refused("key", "list", "--org", b"\xff", data_dir=data_dir)
    assert line == "An argument is not text in UTF-8."


def test_an_unknown_role_is_a_usage_error_that_lists_the_roles(data_dir: Path) -> None:
    ended = dragoman("key", "create", "--role", "root", "--name", "x", data_dir=data_dir)
    assert ended.status == 2
    assert "'admin', 'editor', 'viewer', 'caller'" in ended.errors


@pytest.mark.parametrize(
    "name", ["", "   ", "two\nlines", "a\x1b[31mred", "a\tb", "\u202egnirts", "x" * 256, b"\xff"]
)
def test_a_name_that_could_not_be_shown_is_refused(data_dir: Path, name: str | bytes) -> None:
    line = refused("key", "create", "--role", "caller", "--name", name, data_dir=data_dir)
    assert line == "name: must be 1 to 255 printable characters"
    assert rows(data_dir, "SELECT name FROM api_keys") == [("first admin",)]


def test_the_longest_name_and_any_script_are_taken(data_dir: Path) -> None:
    for name in ("x" * 255, "Schlüssel für 東京 🗝"):
        create(data_dir, name)
        assert rows(data_dir, "SELECT COUNT(*) FROM api_keys WHERE name = ?", name) == [(1,)]


@pytest.mark.parametrize(
    "arguments", [["create", "--role", "caller", "--name", "x"], ["list"], ["revoke", "x"]]
)
def test_a_missing_data_directory_is_not_made(tmp_path: Path, arguments: list[str]) -> None:
    line = refused("key", *arguments, "--data-dir", str(tmp_path / "data"))
    assert line == (
        f"There is no database in {tmp_path}/data. Name the data directory with --data-dir, "
        "or make one with 'dragoman serve'."
    )
    assert list(tmp_path.iterdir()) == []


def test_the_option_stands_before_the_variable(tmp_path: Path, data_dir: Path) -> None:
    ended = dragoman("key", "list", "--data-dir", str(data_dir), data_dir=tmp_path / "nothing")
    assert "first admin" in ended.output


def test_a_database_of_a_newer_version_is_not_written_to(data_dir: Path) -> None:
    with sqlite3.connect(data_dir / "dragoman.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    before = contents(data_dir)
    arguments = ("key", "create", "--role", "admin", "--name", "x")
    assert "newer version" in refused(*arguments, data_dir=data_dir)
    assert contents(data_dir) == before


def test_a_database_of_another_program_is_left_alone_to_the_byte(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "dragoman.db") as database:
        database.execute("CREATE TABLE bookmarks (url)")
    database.close()
    before = contents(tmp_path)
    assert "not made by Dragoman" in refused("key", "list", data_dir=tmp_path)
    assert contents(tmp_path) == before


def test_keys_are_made_and_ended_while_a_server_runs(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data", workers=2) as server:
        text, key_id = create(server.data_dir, "mine")
        with server.client(text) as client:
            answers = [client.get("/v1/models").status_code for _ in range(20)]
            assert answers == [200] * 20
            assert client.get("/anam/v1/llms").status_code == 200
            assert dragoman("key", "revoke", key_id, data_dir=server.data_dir).status == 0
            assert eventually(lambda: client.get("/v1/models").status_code == 401, within_s=5)
        with server.client() as admin:
            assert admin.get("/v1/models").status_code == 200
