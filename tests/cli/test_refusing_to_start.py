"""A start that must not be: one clear line, status 1, and everything is left as it was."""

import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dragoman.storage import schema
from tests.cli.command import dragoman, refused
from tests.cli.conftest import contents
from tests.running import RunningDragoman


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"pord": "80"}, "DRAGOMAN_PORD is not a setting; docs/settings.md lists them all."),
        ({"port": "http"}, "DRAGOMAN_PORT: expected `int`, got `str`."),
        ({"port": "70000"}, "DRAGOMAN_PORT: expected `int` <= 65535."),
        ({"workers": "0"}, "DRAGOMAN_WORKERS: expected `int` >= 1."),
        ({"production": "maybe"}, "DRAGOMAN_PRODUCTION: expected `bool`, got `str`."),
        ({"upstream_idle_s": "0"}, "DRAGOMAN_UPSTREAM_IDLE_S: expected `float` > 0.0."),
        ({"drain_s": "nan"}, "DRAGOMAN_DRAIN_S: expected `float` > 0.0."),
        ({"call_body_max_bytes": "1"}, "DRAGOMAN_CALL_BODY_MAX_BYTES: expected `int` >= 1024."),
        (
            {"log_level": "loud"},
            "DRAGOMAN_LOG_LEVEL: expected `str` matching regex '^(debug|info|warning|error)",
        ),
        (
            {"egress_allow": "10.0.0.0/8, everything"},
            (
                "DRAGOMAN_EGRESS_ALLOW: 'everything' is not a network; write networks such as "
                "127.0.0.0/8 or 10.1.2.3/32, separated by commas."
            ),
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_that_does_not_fit_is_named(
    tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    assert refused("serve", data_dir=tmp_path / "data", **settings).startswith(line)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("drain_s", "inf"),
        ("ca_bundle", "/nowhere/ca.pem"),
        ("ca_bundle", __file__),
        ("secret_files", "/nowhere/secrets"),
        ("vault_address", "https://vault.internal:8200"),
        ("google_credentials", "/nowhere/account.json"),
        ("host", ""),
        ("host", "no such host"),
    ],
)
def test_a_setting_that_cannot_work_is_named_before_anything_is_made(
    tmp_path: Path, setting: str, text: str
) -> None:
    line = refused("serve", data_dir=tmp_path / "data", **{setting: text})
    assert f"DRAGOMAN_{setting.upper()}" in line or f"--{setting}" in line
    assert list(tmp_path.iterdir()) == []


def test_an_option_is_judged_like_its_variable(tmp_path: Path) -> None:
    line = refused("serve", "--port", "70000", data_dir=tmp_path / "data")
    assert line == "DRAGOMAN_PORT: expected `int` <= 65535."


def test_a_port_in_use_is_known_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused("serve", "--port", str(port), data_dir=tmp_path / "data")
    assert line == (
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use. "
        "Choose another with --host and --port."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    assert str(tmp_path / "data") in refused("serve", data_dir=tmp_path / "data")
    assert contents(tmp_path) == {"data": b"mine"}


# --- The key file ----------------------------------------------------------------------------

NEEDS_A_KEY_FILE = (
    "--production needs a key file that was given: make one with 'dragoman kek create', "
    "keep it outside of the data directory and name it in DRAGOMAN_KEK_FILE."
)


def test_production_refuses_to_make_its_own_key_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert refused("serve", "--production", data_dir=data) == NEEDS_A_KEY_FILE
    assert refused("serve", data_dir=data, production="true") == NEEDS_A_KEY_FILE
    assert not (data / "kek").exists()
    assert not (data / "dragoman.db").exists()


def test_production_refuses_a_key_file_that_an_earlier_start_made(data_dir: Path) -> None:
    before = contents(data_dir)
    assert refused("serve", "--production", data_dir=data_dir) == NEEDS_A_KEY_FILE
    assert contents(data_dir) == before


def test_production_starts_with_a_key_file_that_was_given(tmp_path: Path) -> None:
    kek = tmp_path / "kek"
    made = dragoman("kek", "create", kek)
    assert (made.status, made.errors) == (0, "")
    assert made.output.startswith(f"Made {kek} with the key kek_")
    assert kek.stat().st_mode & 0o777 == 0o600
    before = kek.read_bytes()
    with RunningDragoman.start(tmp_path / "data", "--production", kek_file=str(kek)) as server:
        assert "key file" not in server.output
    assert not (tmp_path / "data" / "kek").exists()
    assert kek.read_bytes() == before


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "kek").write_text("precious")
    line = refused("kek", "create", tmp_path / "kek")
    assert f"{tmp_path}/kek" in line
    assert "Errno" not in line, "a sentence says what is in the way"
    assert contents(tmp_path) == {"kek": b"precious"}


def test_a_given_key_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    line = refused("serve", data_dir=tmp_path / "data", kek_file=str(tmp_path / "kek"))
    assert line == f"DRAGOMAN_KEK_FILE: there is no file {tmp_path}/kek."
    assert not (tmp_path / "kek").exists()


def test_a_missing_key_file_is_never_made_anew_over_existing_data(data_dir: Path) -> None:
    (data_dir / "kek").unlink()
    before = contents(data_dir)
    assert refused("serve", data_dir=data_dir) == (
        f"The key file {data_dir}/kek is missing, and without it no stored credential opens. "
        "Restore it from your copy, or copy it from a machine that has it, or name another one in "
        "DRAGOMAN_KEK_FILE."
    )
    assert contents(data_dir) == before


def test_a_key_file_that_stored_credentials_do_not_need_is_no_replacement(
    tmp_path: Path, data_dir: Path
) -> None:
    ours = (data_dir / "kek").read_text()
    kek_id = ours.splitlines()[-1].split()[0]
    with closing(sqlite3.connect(data_dir / "dragoman.db", isolation_level=None)) as database:
        database.execute(_LLM)
        database.execute(_ITS_SECRET, {"kek_id": kek_id})
    before = contents(data_dir)
    dragoman("kek", "create", tmp_path / "other")
    assert refused("serve", data_dir=data_dir, kek_file=str(tmp_path / "other")) == (
        f"The key file lacks {kek_id}, which stored credentials were sealed under. "
        "Add it from your copy of the file; then start again."
    )
    assert contents(data_dir) == before

    both = tmp_path / "both"
    both.write_text((tmp_path / "other").read_text() + ours)
    with RunningDragoman.start(data_dir, kek_file=str(both)) as server:
        assert server.output.startswith("Dragoman ")


DAMAGES: dict[str, Callable[[str], str | bytes]] = {
    "emptied": lambda _: "",
    "cut short": lambda text: text[:-10],
    "another id": lambda text: text.replace("kek_", "kek_0"),
    "another digit": lambda text: text[:-2] + ("0" if text[-2] == "1" else "1") + "\n",
    "a byte order mark": lambda text: text.replace("\n", "\n\ufeff"),
    "in UTF-16": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "the bytes themselves": lambda text: bytes.fromhex(text.split()[-1]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_key_file_is_not_quoted(data_dir: Path, damage: str) -> None:
    kek = data_dir / "kek"
    digits = kek.read_text().split()[-1]
    damaged = DAMAGES[damage](kek.read_text())
    kek.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    before = contents(data_dir)
    line = refused("serve", data_dir=data_dir)
    assert "key" in line
    assert "restore" in line
    assert [digits[at : at + 8] for at in range(57) if digits[at : at + 8] in line] == []
    assert contents(data_dir) == before


# --- The database ----------------------------------------------------------------------------


def test_a_database_of_a_newer_version_is_left_alone(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "dragoman.db", isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    before = contents(data_dir)
    assert refused("serve", data_dir=data_dir) == (
        "The database is of a newer version of Dragoman (step 9999; this one knows up to "
        f"{schema.HEAD}). "
        "Start that version, or restore a backup from before its upgrade."
    )
    assert contents(data_dir) == before


NOT_OURS = (
    "The database was not made by Dragoman; choose another data directory, or another database "
    "in DRAGOMAN_DATABASE_URL."
)


def test_a_database_of_another_program_is_left_alone_to_the_byte(data_dir: Path) -> None:
    (data_dir / "dragoman.db").unlink()
    with closing(sqlite3.connect(data_dir / "dragoman.db")) as database:
        database.execute("CREATE TABLE bookmarks (url)")
    before = contents(data_dir)
    assert refused("serve", data_dir=data_dir) == NOT_OURS
    assert contents(data_dir) == before


def test_a_database_that_another_program_was_killed_over_keeps_its_last_changes(
    tmp_path: Path, data_dir: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "dragoman.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE bookmarks (url)")
        for name in ("dragoman.db", "dragoman.db-wal"):  # as they are while it runs
            shutil.copy(tmp_path / name, data_dir / name)
    before = contents(data_dir)
    assert len(before["dragoman.db-wal"]) > 0
    assert refused("serve", data_dir=data_dir) == NOT_OURS
    after = contents(data_dir)
    after.pop("dragoman.db-shm", None)  # an index that SQLite makes anew
    assert after == before


@pytest.mark.parametrize("content", [b"Dear diary, " * 1000, b"SQLite format 3\0" + b"x" * 4080])
def test_a_file_that_is_no_database_is_left_alone(data_dir: Path, content: bytes) -> None:
    (data_dir / "dragoman.db").write_bytes(content)
    before = contents(data_dir)
    line = refused("serve", data_dir=data_dir)
    assert line.startswith(f"{data_dir}/dragoman.db is not a SQLite database")
    assert contents(data_dir) == before


_LLM = """
INSERT INTO llms (organization_id, id, owner_id, display_name, protocol, endpoints, model,
    sampling, capabilities, modalities, labels, tags, metadata, client_config, timeouts,
    credential_kind, credential_header, credential_prefix, enabled, is_default,
    zero_data_retention, revision, created_at_ms, created_by, search_text)
SELECT id, 'llm', 'owner', 'name', 'openai', '[]', 'model',
    '{}', '{}', '[]', '{}', '[]', '{}', 'null', '{}',
    'api_key', 'Authorization', 'Bearer ', 1, 0,
    0, 1, 0, 'owner', 'name'
FROM organizations WHERE name = 'default'
"""
_ITS_SECRET = """
INSERT INTO llm_secrets
    (organization_id, llm_id, field, generation, kek_id, wrapped_dek, ciphertext)
SELECT organization_id, id, 'credential', 1, :kek_id, x'00', x'00' FROM llms
"""
