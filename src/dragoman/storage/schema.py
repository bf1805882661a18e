"""The schema on disk: made whole for a new database, migrated step by step for an older one."""

from contextlib import AbstractContextManager, nullcontext
from importlib import resources
from pathlib import Path

from dragoman.storage import schema_sqlite
from dragoman.storage.database import Location
from dragoman.storage.schema_version import Found, SchemaError, steps

__all__ = [
    "HEAD",
    "SchemaError",
    "alone",
    "is_new",
    "pending",
    "prepare",
    "require",
    "require_there",
    "snapshot",
    "upgrade",
]

HEAD = "0003"
"""The newest step under `migrations/versions`; a test holds that this is it."""


def prepare(location: Location) -> None:
    """Bring a database to this version's schema, making it if needed.

    Raises SchemaError for a database of a newer version, and for one that is none of ours; it is
    then as it was, to the byte.
    """
    version = _find(location).version
    if version is None and isinstance(location, Path):
        # Running Alembic would double the time of a first start.
        schema_sqlite.create(location, snapshot())
    elif version != HEAD:
        upgrade(location)


def require(location: Location) -> None:
    """Check that a database has this version's schema; raises SchemaError."""
    require_there(location)
    version = _find(location).version
    if version is None:
        raise SchemaError("The database is empty; 'dragoman serve' makes what it needs.")
    if version != HEAD:
        raise SchemaError("The database is of an older version; 'dragoman migrate' upgrades it.")


def require_there(location: Location) -> None:
    """Check that there is something to look at, tables or not; raises SchemaError."""
    if isinstance(location, Path) and not location.exists():
        raise SchemaError(
            f"There is no database in {location.parent}. Name the data directory with --data-dir, "
            "or make one with 'dragoman serve'."
        )


def pending(location: Location) -> list[str]:
    """List the steps that a database has not had, oldest first; raises SchemaError."""
    version = _find(location).version
    return [step for step in steps() if step[:4] > (version or "")]


def is_new(location: Location) -> bool:
    """Tell whether nobody has started on this database before; raises SchemaError.

    A SQLite file that is there counts, whatever is in it.
    """
    found = _find(location)
    return not location.exists() if isinstance(location, Path) else not found.has_deployment


def alone(location: Location) -> AbstractContextManager[None]:
    """Keep other machines from preparing the same database; a file is on one machine only."""
    if isinstance(location, Path):
        return nullcontext()
    from dragoman.storage import schema_postgres  # noqa: PLC0415  # SQLite goes without

    return schema_postgres.alone(location)


def snapshot() -> str:
    """Give the statements that make the whole schema: all steps at once, for SQLite."""
    return resources.files("dragoman.storage").joinpath("schema.sql").read_text()


def upgrade(location: Location) -> None:
    """Run every step that the database has not had: all of them, or on a failure none."""
    if isinstance(location, Path):
        schema_sqlite.upgrade(location)
        return
    from dragoman.storage import schema_postgres  # noqa: PLC0415  # SQLite goes without

    schema_postgres.upgrade(location)


def _find(location: Location) -> Found:
    """Look at a database; refuses one that this version of Dragoman must not touch."""
    if isinstance(location, Path):
        found = schema_sqlite.look(location)
    else:
        from dragoman.storage import schema_postgres  # noqa: PLC0415  # SQLite goes without

        found = schema_postgres.look(location)
    if found.version and found.version not in {step[:4] for step in steps()}:
        raise SchemaError(
            f"The database is of a newer version of Dragoman (step {found.version}; this one knows "
            f"up to {HEAD}). Start that version, or restore a backup from before its upgrade."
        )
    return found
