"""Somebody else on the same database: a plain connection of the driver, in autocommit mode."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

from dragoman.storage.database import Location
from dragoman.storage.postgres_session import WRITE_LOCK


class Other(Protocol):
    """A connection that knows nothing of ours."""

    def execute(self, statement: Any) -> Any:
        """Run a statement."""
        ...


@contextmanager
def other(location: Location) -> Iterator[Other]:
    """Connect for the length of the block."""
    if isinstance(location, Path):
        with closing(sqlite3.connect(location, isolation_level=None)) as connection:
            yield connection
    else:
        with psycopg.connect(location.text, autocommit=True) as session:
            yield session


def begin_to_write(connection: Other) -> None:
    """Begin as a writer does, and keep others from writing."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("BEGIN IMMEDIATE")
    else:
        connection.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITE_LOCK})")


def names(location: Location) -> list[str]:
    """List the organizations that are there."""
    with other(location) as connection:
        rows = connection.execute("SELECT name FROM organizations ORDER BY name").fetchall()
    return [name for (name,) in rows]
