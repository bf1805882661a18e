"""How SQLite's connections are set up."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from dragoman.storage.sqlite import SqliteDatabase


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL: a commit is on disk when it returns
        ("foreign_keys", 1),
        ("busy_timeout", 5000),
        ("trusted_schema", 0),
    ],
)
async def test_all_connections_are_set_up_alike(
    sqlite_database: SqliteDatabase, pragma: str, value: object
) -> None:
    for connection in (sqlite_database._writer, *sqlite_database._readers):
        assert await connection.run(_asked(pragma)) == value


async def test_one_connection_can_write(sqlite_database: SqliteDatabase) -> None:
    assert await sqlite_database._writer.run(_asked("query_only")) == 0
    for connection in sqlite_database._readers:
        assert await connection.run(_asked("query_only")) == 1


def _asked(pragma: str) -> Callable[[sqlite3.Connection], Any]:
    return lambda db: db.execute(f"PRAGMA {pragma}").fetchone()[0]


async def test_who_watches_cannot_write_and_waits_for_no_reader(
    sqlite_database: SqliteDatabase,
) -> None:
    async with sqlite_database.watch() as watcher:
        assert await watcher._connection.run(_asked("query_only")) == 1
        assert watcher._connection not in sqlite_database._readers
