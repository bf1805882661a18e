"""The schema in a SQLite file."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from dragoman.storage.schema_version import (
    VERSION_TABLE,
    Found,
    SchemaError,
    run_steps,
    version_of,
)
from dragoman.storage.sqlite import connect


def look(path: Path) -> Found:
    """See what there is, without changing a byte; raises SchemaError."""
    if not path.exists():
        return Found()
    try:
        with closing(_open_untouched(path)) as connection:
            names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            tables = frozenset(str(name) for (name,) in names)
            rows = []
            if VERSION_TABLE in tables:
                rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            version = version_of(tables, [str(number) for (number,) in rows])
            has_deployment = bool(version and connection.execute(DEPLOYMENT).fetchall())
            return Found(version, has_deployment)
    except sqlite3.OperationalError as error:
        raise SchemaError(f"{path} cannot be read: {error}.") from None
    except sqlite3.DatabaseError as error:
        raise SchemaError(f"{path} is not a SQLite database: {error}.") from None


DEPLOYMENT = "SELECT id FROM deployment"


def create(path: Path, snapshot: str) -> None:
    """Make a database whole, for its owner only."""
    path.touch(mode=0o600)
    path.chmod(0o600)  # an empty file may have been there
    with closing(connect(path)) as connection:
        connection.executescript(f"BEGIN IMMEDIATE;\n{snapshot}\nCOMMIT;")


def upgrade(path: Path) -> None:
    """Run the steps that are missing, all or none."""
    import sqlalchemy as sa  # noqa: PLC0415  # heavy, and a start without migrations goes without

    path.touch(mode=0o600)
    engine = sa.create_engine("sqlite://", creator=lambda: connect(path))
    # The connection is in autocommit mode, in which SQLAlchemy begins no transaction by itself.
    sa.event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            run_steps(connection)
    finally:
        engine.dispose()


def _open_untouched(path: Path) -> sqlite3.Connection:
    """Open a database to look at it, leaving even the files beside it as they are.

    A write-ahead log has to be read along; without one, nothing but the file counts.
    """
    has_log = path.with_name(f"{path.name}-wal").exists()
    how = "mode=ro" if has_log else "immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True)
