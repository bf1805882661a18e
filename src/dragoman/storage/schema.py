"""The schema on disk: made whole for a new database, migrated step by step for an older one.

A new database is made from `schema.sql`, the snapshot of all steps (a test holds that the two
are equal), because running Alembic would double the time of a first start.
"""

import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from dragoman.storage.sqlite import connect

HEAD = "0002"
"""The newest step under `migrations/versions`; a test holds that this is it."""


class SchemaError(RuntimeError):
    """A database that this version of Dragoman cannot use; the message says what to do."""


def prepare(path: Path) -> None:
    """Bring the SQLite database at `path` to this version's schema, making it if needed.

    Raises SchemaError for a database of a newer version, and for a file that is none of ours;
    it is then as it was, to the byte.
    """
    version = _version(path)
    if version is None:
        _create(path)
    elif version != HEAD:
        _refuse_newer(version)
        upgrade(path)


def require(path: Path) -> None:
    """Check that the database at `path` has this version's schema; raises SchemaError."""
    version = _version(path)
    if version is None:
        raise SchemaError(
            f"There is no database in {path.parent}. Name the data directory with --data-dir, "
            "or make one with 'dragoman serve'."
        )
    if version != HEAD:
        _refuse_newer(version)
        raise SchemaError("The database is of an older version; 'dragoman serve' upgrades it.")


def snapshot() -> str:
    """Give the statements that make the whole schema."""
    return resources.files("dragoman.storage").joinpath("schema.sql").read_text()


def upgrade(path: Path) -> None:
    """Run every migration step that the database has not had."""
    import alembic.command  # noqa: PLC0415  # heavy, and a start without migrations goes without
    import sqlalchemy  # noqa: PLC0415  # likewise
    from alembic.config import Config  # noqa: PLC0415  # likewise

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    path.touch(mode=0o600)
    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: connect(path))
    # The connection is in autocommit mode, in which SQLAlchemy begins no transaction by itself.
    sqlalchemy.event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
    engine.dispose()


def _version(path: Path) -> str | None:
    """Give the last step a database has had; None where there is none, or one without tables."""
    if not path.exists():
        return None
    try:
        with closing(_open_untouched(path)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
            if not tables:
                return None
            if "alembic_version" not in tables:
                raise SchemaError(
                    "The database was not made by Dragoman; choose another data directory."
                )
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.OperationalError as error:
        raise SchemaError(f"{path} cannot be read: {error}.") from None
    except sqlite3.DatabaseError as error:
        raise SchemaError(f"{path} is not a SQLite database: {error}.") from None
    return str(rows[0][0]) if rows else ""


def _open_untouched(path: Path) -> sqlite3.Connection:
    """Open a database to look at it, leaving even the files beside it as they are.

    A write-ahead log has to be read along; without one, nothing but the file counts.
    """
    has_log = path.with_name(f"{path.name}-wal").exists()
    how = "mode=ro" if has_log else "immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True)


def _create(path: Path) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)  # an empty file may have been there
    with closing(connect(path)) as connection:
        connection.executescript(f"BEGIN IMMEDIATE;\n{snapshot()}\nCOMMIT;")


def _refuse_newer(version: str) -> None:
    steps = resources.files(f"{__package__}.migrations.versions").iterdir()
    if version and version not in {step.name[1:5] for step in steps}:
        raise SchemaError(
            f"The database is of a newer version of Dragoman (step {version}; this one knows up "
            f"to {HEAD}). Start that version, or restore a backup from before its upgrade."
        )
