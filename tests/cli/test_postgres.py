"""Commands on a PostgreSQL database: several machines that start, keys, migrations."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from dragoman.storage import schema
from dragoman.storage.database import PostgresUrl
from tests.cli.command import dragoman, refused
from tests.postgres import PostgresServer

COPY_IT = "copy it from a machine that has it"


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Make an empty database."""
    return postgres.new_database()


def test_machines_that_start_at_once_with_one_key_file_make_everything_once(
    tmp_path: Path, url: str
) -> None:
    key_file = tmp_path / "shared-kek"
    assert dragoman("kek", "create", key_file).status == 0

    def start(number: int) -> int:
        return dragoman(
            "serve", data_dir=tmp_path / f"{number}", database_url=url, kek_file=str(key_file)
        ).status

    with ThreadPoolExecutor(3) as machines:
        assert list(machines.map(start, range(3))) == [0, 0, 0]
    assert len(list(tmp_path.glob("*/admin.key"))) == 1
    with psycopg.connect(url) as connection:
        for table, rows in ("deployment", 1), ("organizations", 2), ("api_keys", 1):
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (rows,)  # noqa: S608


def test_of_machines_that_start_at_once_without_a_key_file_one_makes_it(
    tmp_path: Path, url: str
) -> None:
    def start(number: int) -> tuple[int, str]:
        ended = dragoman("serve", data_dir=tmp_path / f"{number}", database_url=url)
        return ended.status, ended.errors

    with ThreadPoolExecutor(3) as machines:
        results = sorted(machines.map(start, range(3)))
    assert [status for status, _ in results] == [0, 1, 1]
    assert all(COPY_IT in errors for _, errors in results[1:])
    assert len(list(tmp_path.glob("*/kek"))) == 1


def test_a_second_machine_without_the_key_file_is_told_where_to_get_it(
    tmp_path: Path, url: str
) -> None:
    assert dragoman("serve", data_dir=tmp_path / "one", database_url=url).status == 0
    line = refused("serve", data_dir=tmp_path / "two", database_url=url)
    assert COPY_IT in line
    assert "DRAGOMAN_KEK_FILE" in line
    assert not (tmp_path / "two" / "kek").exists()


def test_keys_are_made_listed_and_revoked(tmp_path: Path, url: str) -> None:
    assert dragoman("serve", data_dir=tmp_path / "data", database_url=url).status == 0
    for arguments in (
        ("create", "--role", "viewer", "--name", "reader"),
        ("revoke", "reader"),
        ("list",),
    ):
        ended = dragoman("key", *arguments, database_url=url)
        assert ended.status == 0, ended.errors
    assert "reader" in ended.output
    assert "revoked" in ended.output


@pytest.mark.parametrize("command", [("serve",), ("key", "list"), ("migrate",)])
def test_a_database_that_cannot_be_reached_is_one_clear_line(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    url = "postgresql://ada:geheim@127.0.0.1:1/nowhere"
    line = refused(*command, data_dir=tmp_path / "data", database_url=url)
    assert "DRAGOMAN_DATABASE_URL" in line
    assert "geheim" not in line
    assert not (tmp_path / "data" / "kek").exists()


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
class TestMigrate:
    @pytest.fixture
    def settings(self, engine: str, tmp_path: Path, url: str) -> dict[str, str]:
        """Name a database on which somebody has started."""
        settings = {"data_dir": str(tmp_path / "data")}
        if engine == "postgres":
            settings["database_url"] = url
        assert dragoman("serve", **settings).status == 0
        return settings

    def test_a_database_that_is_up_to_date_is_left_alone(self, settings: dict[str, str]) -> None:
        for options in ((), ("--check",)):
            ended = dragoman("migrate", *options, **settings)
            assert (ended.status, ended.output) == (0, "The database is up to date.\n")

    def test_one_of_a_newer_version_is_refused(
        self, settings: dict[str, str], url: str, tmp_path: Path
    ) -> None:
        newer = "UPDATE alembic_version SET version_num = '9999'"
        if "database_url" in settings:
            with psycopg.connect(url) as connection:
                connection.execute(newer)
        else:
            with closing(sqlite3.connect(tmp_path / "data" / "dragoman.db")) as database, database:
                database.execute(newer)
        assert "newer version" in refused("migrate", **settings)


def test_migrate_says_which_steps_it_ran(url: str) -> None:
    ended = dragoman("migrate", "--check", database_url=url)
    assert ended.status == 1
    lines = ended.output.splitlines()
    assert lines[0] == "The database lacks these steps:"
    assert lines[1] == "0001_registry"
    assert lines[-1].startswith(schema.HEAD)
    with psycopg.connect(url) as connection:
        tables = "SELECT FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(tables).fetchall() == [], "it has changed nothing"
    ended = dragoman("migrate", database_url=url)
    assert ended.status == 0, ended.errors
    assert ended.output.splitlines() == ["Ran these steps:", *lines[1:]]
    schema.require(PostgresUrl(url))


def test_a_database_that_was_migrated_before_the_first_start_is_started_on(
    tmp_path: Path, url: str
) -> None:
    assert dragoman("migrate", database_url=url).status == 0
    assert dragoman("serve", data_dir=tmp_path / "data", database_url=url).status == 0
    assert (tmp_path / "data" / "kek").exists()


def test_migrate_makes_no_sqlite_file(tmp_path: Path) -> None:
    """A start would take it for one whose key file is lost."""
    for options in ((), ("--check",)):
        assert "There is no database in" in refused("migrate", *options, data_dir=tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
