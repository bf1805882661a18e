"""One schema, told three times: the snapshot, the migrations and the tables are equal."""

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import alembic.command
import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from dragoman.storage import schema, sqlite
from dragoman.storage.database import Location, PostgresUrl
from dragoman.storage.tables import metadata
from tests.postgres import PostgresServer
from tests.storage.other import names, other

MIGRATIONS = Path(schema.__file__).parent / "migrations"


def statements(path: Path) -> list[str]:
    """Give the statements that made a database's tables and indexes, sorted and on one line."""
    with closing(sqlite3.connect(path)) as database:
        made = database.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL").fetchall()
    # A table that a step has made anew is quoted.
    return sorted(" ".join(sql.replace('"', "").split()) for (sql,) in made)


def test_the_snapshot_equals_all_steps_from_an_empty_database(tmp_path: Path, path: Path) -> None:
    schema.upgrade(tmp_path / "upgraded.db")
    assert statements(path) == statements(tmp_path / "upgraded.db")
    assert any(sql.startswith("CREATE TABLE llms (") for sql in statements(path))


def test_the_snapshot_equals_the_tables(tmp_path: Path, path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'tables.db'}")
    metadata.create_all(engine)
    engine.dispose()
    ours = [sql for sql in statements(path) if "alembic_version" not in sql]
    assert ours == statements(tmp_path / "tables.db")


def engine_of(location: Location) -> sa.Engine:
    if isinstance(location, Path):
        return sa.create_engine(f"sqlite:///{location}")
    return sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(location.text))


def test_a_migration_made_from_the_tables_would_be_empty(location: Location) -> None:
    engine = engine_of(location)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_all_steps_make_what_the_tables_say(postgres: PostgresServer) -> None:
    """Types, defaults, constraints and indexes, by their names."""
    made, described = (PostgresUrl(postgres.new_database()) for _ in range(2))
    schema.upgrade(made)
    engine = engine_of(described)
    metadata.create_all(engine)
    engine.dispose()
    assert outline(made) == outline(described)
    assert len(outline(made)) > len(metadata.tables)


def outline(url: PostgresUrl) -> list[tuple[str, ...]]:
    """List all columns, constraints and indexes but those of Alembic's own table."""
    with other(url) as connection:
        return sorted(
            tuple(str(part) for part in row)
            for query in OUTLINE
            for row in connection.execute(query).fetchall()
            if "alembic" not in str(row)
        )


OUTLINE = (
    """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,
    column_default FROM information_schema.columns WHERE table_schema = 'public'""",
    """SELECT 'constraint', conname, conrelid::regclass, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
)


def test_the_head_is_the_newest_step_and_there_is_one(location: Location) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]
    newest = max(file.name for file in (MIGRATIONS / "versions").glob("v*.py"))
    assert newest.startswith(f"v{schema.HEAD}_")
    with other(location) as connection:
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [(schema.HEAD,)]
    assert schema.pending(location) == []


def test_a_database_is_made_for_its_owner_only(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_preparing_again_changes_no_byte(path: Path) -> None:
    before = path.read_bytes()
    schema.prepare(path)
    assert path.read_bytes() == before


VERSION_TABLE = (
    "CREATE TABLE alembic_version ( version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num) )"
)


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> Location:
    """Make a database without tables, on each engine in turn."""
    if request.param == "postgres":
        return PostgresUrl(postgres.new_database())
    (tmp_path / "empty.db").touch()
    return tmp_path / "empty.db"


def run(location: Location, *statements: str) -> None:
    with other(location) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_database_that_has_had_no_step_is_brought_to_the_newest(empty: Location) -> None:
    run(empty, VERSION_TABLE)
    assert len(schema.pending(empty)) == int(schema.HEAD)
    schema.prepare(empty)
    schema.require(empty)


def test_an_empty_database_is_prepared_and_found_so(empty: Location) -> None:
    with pytest.raises(schema.SchemaError, match="'dragoman serve'"):
        schema.require(empty)
    schema.prepare(empty)
    schema.require(empty)
    schema.prepare(empty)
    assert schema.pending(empty) == []


def test_a_database_of_the_first_version_keeps_its_rows(empty: Location) -> None:
    before(empty, "0002")
    run(
        empty,
        "INSERT INTO deployment (id, created_at_ms) VALUES ('d', 0)",
        "INSERT INTO organizations (id, name, created_at_ms) VALUES ('o', 'kept', 0)",
    )
    assert schema.pending(empty)[0].startswith("0002_")
    with pytest.raises(schema.SchemaError, match="older version"):
        schema.require(empty)
    schema.prepare(empty)
    schema.require(empty)
    assert names(empty) == ["kept"]


def before(location: Location, step: str) -> None:
    """Bring an empty database to where it was before a step."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = engine_of(location)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, f"{int(step) - 1:04}")
    engine.dispose()


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(["CREATE TABLE llms (x INTEGER)"], id="tables of others"),
        pytest.param(
            [VERSION_TABLE, "INSERT INTO alembic_version VALUES ('0001')"], id="only a version"
        ),
        pytest.param(
            [
                VERSION_TABLE,
                "INSERT INTO alembic_version VALUES ('0001')",
                "CREATE TABLE deployment (x INTEGER)",
            ],
            id="a version of others",
        ),
        pytest.param([VERSION_TABLE, "CREATE TABLE t (x INTEGER)"], id="no version yet"),
    ],
)
def test_a_database_of_others_is_refused_and_left_alone(
    empty: Location, statements: list[str]
) -> None:
    run(empty, *statements)
    untouched = tables(empty)
    for use in (schema.prepare, schema.require, schema.pending, schema.is_new):
        with pytest.raises(schema.SchemaError, match="not made by Dragoman"):
            use(empty)
    assert tables(empty) == untouched


def test_a_database_of_a_newer_version_is_refused_and_left_alone(location: Location) -> None:
    run(location, "UPDATE alembic_version SET version_num = '9999'")
    untouched = tables(location)
    for use in (schema.prepare, schema.require, schema.pending):
        with pytest.raises(schema.SchemaError, match="newer version of Dragoman"):
            use(location)
    assert tables(location) == untouched


def test_a_database_is_new_until_somebody_has_started_on_it(postgres: PostgresServer) -> None:
    url = PostgresUrl(postgres.new_database())
    assert schema.is_new(url)
    schema.prepare(url)
    assert schema.is_new(url)
    run(url, "INSERT INTO deployment (id, created_at_ms, revision) VALUES ('d', 0, 0)")
    assert not schema.is_new(url)


def test_a_sqlite_file_that_is_there_is_not_new(tmp_path: Path) -> None:
    assert schema.is_new(tmp_path / "dragoman.db")
    (tmp_path / "dragoman.db").touch()
    assert not schema.is_new(tmp_path / "dragoman.db")


def test_tables_of_extensions_are_not_those_of_others(postgres: PostgresServer) -> None:
    url = PostgresUrl(postgres.new_database())
    run(
        url,
        "CREATE TABLE of_an_extension (x INTEGER)",
        "CREATE EXTENSION IF NOT EXISTS plpgsql",
        "ALTER EXTENSION plpgsql ADD TABLE of_an_extension",
    )
    schema.prepare(url)
    schema.require(url)


def test_several_machines_that_prepare_at_once_make_everything_once(
    postgres: PostgresServer,
) -> None:
    url = PostgresUrl(postgres.new_database())
    with ThreadPoolExecutor(4) as machines:
        list(machines.map(schema.prepare, [url] * 4))
    schema.require(url)


def tables(location: Location) -> list[str]:
    """List the tables that are there."""
    engine = engine_of(location)
    found = sorted(sa.inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_an_upgrade_that_fails_leaves_nothing_half_done(empty: Location) -> None:
    run(empty, "CREATE TABLE principals (in_the_way INTEGER)")
    with pytest.raises((OperationalError, psycopg.Error), match=r"principals.* already exists"):
        schema.upgrade(empty)
    assert tables(empty) == ["principals"]


def test_a_locked_database_is_not_taken_for_a_file_of_another_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "locked.db"
    with closing(sqlite3.connect(locked, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("CREATE TABLE t (x)")
        # Nobody waits here for the lock to be given up.
        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0.01))
        monkeypatch.setattr(sqlite, "PRAGMAS", sqlite.PRAGMAS[1:])
        with pytest.raises((sqlite3.OperationalError, schema.SchemaError)) as refused:
            schema.prepare(locked)
    assert "locked" in str(refused.value)
    assert "not a SQLite database" not in str(refused.value)
