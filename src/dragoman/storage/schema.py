"""The schema on disk: made whole for a new database, migrated step by step for an older one.

A new database is made from `schema.sql`, the snapshot of all steps (a test holds that the two
are equal), because running Alembic would double the time of a first start.
"""

import sqlite3
from importlib import resources
from pathlib import Path

from dragoman.storage.sqlite import connect

HEAD = "0001"
"""The newest step under `migrations/versions`; a test holds that this is it."""


class SchemaError(RuntimeError):
    """A database that this version of Dragoman cannot use; the message says what to do."""


def prepare(path: Path) -> None:
    """Bring the SQLite database at `path` to this version's schema, making it if needed.

    Raises SchemaError for a database of a newer version, and for a file that is none of ours.
    """
    path.touch(mode=0o600)
    try:
        connection = connect(path)
    except sqlite3.DatabaseError as error:
        raise SchemaError(f"{path} is not a SQLite database: {error}.") from None
    try:
        version = _version(connection)
        if version is None:
            _create(connection, path)
        elif version != HEAD:
            _upgrade(path, version)
    finally:
        connection.close()


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
    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: connect(path))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
    engine.dispose()


def _version(connection: sqlite3.Connection) -> str | None:
    """Give the last step a database has had; None where it has no table at all."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise SchemaError("The database was not made by Dragoman; choose another data directory.")
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(rows[0][0]) if rows else ""


def _create(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{snapshot()}\nCOMMIT;")
    except sqlite3.OperationalError:
        # Another process may have made it between our look and our lock.
        connection.rollback()
        if _version(connection) is None:
            raise
        prepare(path)


def _upgrade(path: Path, version: str) -> None:
    steps = {
        step.name[1:5] for step in resources.files(f"{__package__}.migrations.versions").iterdir()
    }
    if version and version not in steps:
        raise SchemaError(
            f"The database is of a newer version of Dragoman (step {version}; this one knows up "
            f"to {HEAD}). Start that version, or restore a backup from before its upgrade."
        )
    upgrade(path)
