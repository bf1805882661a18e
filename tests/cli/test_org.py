"""`dragoman org`: making, listing and renaming organizations; and keys within them."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import dragoman, refused
from tests.running import RunningDragoman, registration

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def rows(data_dir: Path, query: str, *parameters: str) -> list[Any]:
    with closing(sqlite3.connect(data_dir / "dragoman.db")) as database:
        return database.execute(query, parameters).fetchall()


def done(*arguments: str, data_dir: Path) -> str:
    """Run a command that must end well; gives what it printed."""
    ended = dragoman(*arguments, data_dir=data_dir)
    assert (ended.status, ended.errors) == (0, "")
    return ended.output


def test_a_new_organization_comes_with_the_next_step(data_dir: Path) -> None:
    printed = done("org", "create", "--name", "R & D", data_dir=data_dir)
    (id_,) = UUID.findall(printed)
    assert printed == (
        f"Made the organization 'R & D' ({id_}). Make its first API key:\n\n"
        "    dragoman key create --org 'R & D' --role admin --name first\n"
    )
    assert rows(data_dir, "SELECT id FROM organizations WHERE name = 'R & D'") == [(id_,)]
    assert rows(
        data_dir, "SELECT action, actor_id, organization_id FROM audit WHERE target_id = ?", id_
    ) == [("organization.create", "operator", id_)]


def test_plain_prints_the_id_and_nothing_else(data_dir: Path) -> None:
    printed = done("org", "create", "--name", "research", "--plain", data_dir=data_dir)
    assert UUID.fullmatch(printed.removesuffix("\n"))


def test_the_list_shows_all_of_them(data_dir: Path) -> None:
    id_ = done("org", "create", "--name", "[b]research[/b]", "--plain", data_dir=data_dir).strip()
    listed = done("org", "list", data_dir=data_dir)
    for word in (id_, "[b]research[/b]", "default", "platform", "UTC"):
        assert word in listed


def test_more_organizations_than_one_page_are_listed(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "dragoman.db")) as database, database:
        database.executemany(
            "INSERT INTO organizations VALUES (?, ?, 1)", [(f"o{n}", f"n{n}x") for n in range(250)]
        )
    listed = done("org", "list", data_dir=data_dir)
    assert [n for n in range(250) if f"n{n}x" not in listed] == []


def test_a_renamed_organization_keeps_its_id_and_keys(data_dir: Path) -> None:
    id_ = done("org", "create", "--name", "old", "--plain", data_dir=data_dir).strip()
    done("key", "create", "--org", "old", "--role", "admin", "--name", "k", data_dir=data_dir)
    assert done("org", "rename", "old", "new", data_dir=data_dir) == (
        f"The organization {id_} is called 'new' now.\n"
    )
    assert "active" in done("key", "list", "--org", "new", data_dir=data_dir)
    assert refused("key", "list", "--org", "old", data_dir=data_dir) == (
        "There is no organization named 'old'; see 'dragoman org list'."
    )


@pytest.mark.parametrize(
    "arguments", [("create", "--name", "default"), ("rename", "platform", "default")]
)
def test_two_organizations_cannot_have_one_name(data_dir: Path, arguments: tuple[str, ...]) -> None:
    line = refused("org", *arguments, data_dir=data_dir)
    assert line == "Another organization has this name already."
    assert rows(data_dir, "SELECT COUNT(*) FROM organizations") == [(2,)]


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 256])
def test_a_name_that_could_not_be_shown_is_refused(data_dir: Path, name: str) -> None:
    line = refused("org", "create", "--name", name, data_dir=data_dir)
    assert line == "name: must be 1 to 255 printable characters"


def test_an_organization_that_is_not_there_cannot_be_renamed(data_dir: Path) -> None:
    line = refused("org", "rename", "nobody's", "x", data_dir=data_dir)
    assert line == "There is no organization named 'nobody's'; see 'dragoman org list'."


def test_tenants_of_one_server_see_nothing_of_each_other(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data", workers=2) as server:
        done("org", "create", "--name", "acme", data_dir=server.data_dir)
        made = ("key", "create", "--org", "acme", "--role", "admin", "--name", "k", "--plain")
        key = done(*made, data_dir=server.data_dir).strip()
        body = registration("https://api.example.com/v1/chat/completions")
        with server.client(key) as acme, server.client() as default:
            llm_id = acme.post("/v1/llms", json=body).json()["id"]
            assert acme.get(f"/v1/llms/{llm_id}").status_code == 200
            assert default.get(f"/v1/llms/{llm_id}").status_code == 404


# --- Keys ------------------------------------------------------------------------------------


def keys(data_dir: Path, *arguments: str) -> str:
    made = ("key", "create", "--name", "k", "--plain", *arguments)
    return done(*made, data_dir=data_dir)


@pytest.mark.parametrize(
    ("text", "end_ms"), [("2999-12-31", 32503680000000), ("2400-02-29", 13574649600000)]
)
def test_a_key_ends_with_the_last_day_that_was_named(
    data_dir: Path, text: str, end_ms: int
) -> None:
    keys(data_dir, "--role", "caller", "--expires", text)
    assert rows(data_dir, "SELECT expires_at_ms FROM api_keys WHERE name = 'k'") == [(end_ms,)]
    assert "active until" in done("key", "list", data_dir=data_dir)


def test_a_key_ends_after_so_many_days(data_dir: Path) -> None:
    keys(data_dir, "--role", "caller", "--expires", "90d")
    assert rows(
        data_dir, "SELECT (expires_at_ms - created_at_ms) / 3600000.0 FROM api_keys WHERE name='k'"
    ) == [(pytest.approx(90 * 24, abs=0.1),)]


@pytest.mark.parametrize(
    "text", ["", "90", "0d", "-1d", "1.5d", "100000d", "2020-01-31", "2027-02-30", "soon", "٩d"]
)
def test_an_end_that_is_none_is_refused(data_dir: Path, text: str) -> None:
    arguments = ("key", "create", "--role", "caller", "--name", "k", "--expires", text)
    ended = dragoman(*arguments, data_dir=data_dir)
    assert ended.status == 2
    assert "must be a number of days, as 90d" in " ".join(ended.errors.split())
    assert rows(data_dir, "SELECT COUNT(*) FROM api_keys WHERE name = 'k'") == [(0,)]


def test_a_second_key_of_one_principal_may_do_less(data_dir: Path) -> None:
    keys(data_dir, "--role", "editor")
    ((principal,),) = rows(data_dir, "SELECT principal_id FROM api_keys WHERE name = 'k'")
    keys(data_dir, "--principal", principal, "--permissions", "llm:use:any, llm:list:any")
    assert rows(
        data_dir,
        "SELECT principal_id, permissions FROM api_keys WHERE permissions IS NOT NULL",
    ) == [(principal, '["llm:list:any","llm:use:any"]')]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "principal_id: name either a principal that exists or the role of a new one"),
        (
            ("--role", "admin", "--principal", "x"),
            "principal_id: name either a principal that exists or the role of a new one",
        ),
        (("--principal", "x"), "principal_id: There is no principal with this id."),
        (
            ("--role", "caller", "--permissions", "llm:delete:any"),
            "permissions: the principal's role lacks llm:delete:any",
        ),
        (
            ("--role", "admin", "--permissions", "llm:use:any,root"),
            "permissions.1: is not a permission",
        ),
    ],
)
def test_a_key_that_cannot_be_is_refused(
    data_dir: Path, arguments: tuple[str, ...], line: str
) -> None:
    assert refused("key", "create", "--name", "k", *arguments, data_dir=data_dir) == line
