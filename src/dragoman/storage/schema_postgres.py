"""The schema in a PostgreSQL database, and the lock of whoever prepares it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from dragoman.domain.errors import Unavailable
from dragoman.storage.database import PostgresUrl
from dragoman.storage.postgres_session import WRITE_LOCK, parameters_of, reason
from dragoman.storage.schema_version import (
    VERSION_TABLE,
    Found,
    SchemaError,
    run_steps,
    version_of,
)

PREPARE_LOCK = WRITE_LOCK + 1
PATIENCE = "SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0"
NO_HURRY = "SET LOCAL idle_in_transaction_session_timeout = 0"

# Tables of extensions are no sign of another program.
TABLES = """
SELECT relname FROM pg_catalog.pg_class AS c
WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
)
"""


def look(url: PostgresUrl) -> Found:
    """See what there is; raises SchemaError, Unavailable."""
    with _connected(url) as connection:
        tables = frozenset(str(name) for (name,) in connection.execute(TABLES))
        rows = []
        if VERSION_TABLE in tables:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        version = version_of(tables, [str(number) for (number,) in rows])
        has_deployment = version and connection.execute("SELECT id FROM deployment").fetchall()
        return Found(version, bool(has_deployment))


def upgrade(url: PostgresUrl) -> None:
    """Run the steps that are missing, all or none, as the one writer."""
    import sqlalchemy as sa  # noqa: PLC0415  # heavy, and a start without migrations goes without

    with _connected(url) as raw:
        engine = sa.create_engine("postgresql+psycopg://", creator=lambda: raw)
        try:
            with engine.begin() as connection:
                for statement in (PATIENCE, f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"):
                    connection.exec_driver_sql(statement)
                run_steps(connection)
        except sa.exc.DBAPIError as error:
            if isinstance(error.orig, psycopg.Error):
                raise error.orig from None
            raise
        finally:
            engine.dispose()


@contextmanager
def alone(url: PostgresUrl) -> Iterator[None]:
    """Keep starts on several machines from making things twice."""
    with _connected(url) as connection:
        connection.execute(PATIENCE)
        connection.execute(NO_HURRY)
        connection.execute(f"SELECT pg_advisory_xact_lock({PREPARE_LOCK})")
        yield


@contextmanager
def _connected(url: PostgresUrl) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Connect for one transaction, and say in a sentence what goes wrong."""
    parameters = parameters_of(url)
    try:
        with psycopg.connect(**parameters, prepare_threshold=None) as connection:
            yield connection
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName) as error:
        raise SchemaError(
            f"The database's user may not do what is needed: {reason(error, parameters)}. "
            "Make it the owner of the database."
        ) from None
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"The database cannot be used: {reason(error, parameters)}. "
            "Check DRAGOMAN_DATABASE_URL, and that the server runs."
        ) from None
