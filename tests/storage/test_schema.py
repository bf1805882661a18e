"""One schema, told three times: the snapshot, the migrations and the tables are equal."""

import sqlite3
import stat
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from dragoman.storage import schema, sqlite
from dragoman.storage.tables import metadata

MIGRATIONS = Path(schema.__file__).parent / "migrations"


def statements(path: Path) -> list[str]:
    """Give the statements that made a database's tables and indexes, sorted and on one line."""
    with closing(sqlite3.connect(path)) as database:
        made = database.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL").fetchall()
    return sorted(" ".join(sql.split()) for (sql,) in made)


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


def test_a_migration_made_from_the_tables_would_be_empty(path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_head_is_the_newest_step_and_there_is_one(path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]
    newest = max(file.name for file in (MIGRATIONS / "versions").glob("v*.py"))
    assert newest.startswith(f"v{schema.HEAD}_")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT * FROM alembic_version").fetchall() == [(schema.HEAD,)]


def test_a_database_is_made_for_its_owner_only(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_preparing_again_changes_no_byte(path: Path) -> None:
    before = path.read_bytes()
    schema.prepare(path)
    assert path.read_bytes() == before


def test_a_database_that_has_had_no_step_is_brought_to_the_newest(
    tmp_path: Path, path: Path
) -> None:
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as database:
        database.execute(
            "CREATE TABLE alembic_version ( version_num VARCHAR(32) NOT NULL, "
            "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num) )"
        )
    schema.prepare(old)
    assert statements(old) == statements(path)


def test_an_upgrade_that_fails_leaves_nothing_half_done(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    with closing(sqlite3.connect(broken)) as database:
        database.execute("CREATE TABLE principals (in_the_way)")
    with pytest.raises(OperationalError, match="principals already exists"):
        schema.upgrade(broken)
    assert statements(broken) == ["CREATE TABLE principals (in_the_way)"]


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
