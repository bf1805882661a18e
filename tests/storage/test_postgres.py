"""PostgreSQL that is locked, silent, restarted or full; and a password that nobody gets to see."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import psycopg
import pytest

from dragoman.domain.errors import Malformed, Unavailable
from dragoman.settings import SettingsError
from dragoman.storage import postgres, postgres_session
from dragoman.storage.database import PostgresUrl
from dragoman.storage.postgres import PostgresDatabase
from dragoman.storage.postgres_session import positional
from tests.postgres import PostgresServer
from tests.storage.other import begin_to_write, names, other

INSERT = "INSERT INTO organizations (id, name, created_at_ms) VALUES (:id, :id, 0)"
NAMES = "SELECT name FROM organizations ORDER BY name"
HANG_S = 10.0


@pytest.fixture
async def database(url: PostgresUrl) -> AsyncIterator[PostgresDatabase]:
    """Open a database."""
    database = PostgresDatabase(url)
    yield database
    await database.close()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """Run a server that a test may stop."""
    with PostgresServer.start() as server:
        yield server


@pytest.fixture
async def stoppable(own_server: PostgresServer) -> AsyncIterator[PostgresDatabase]:
    """Open a database of a server that may be stopped."""
    database = PostgresDatabase(PostgresUrl(own_server.new_database(prepared=True)))
    yield database
    await database.close()


async def insert(database: PostgresDatabase, *names: str) -> None:
    async with database.write() as transaction:
        for name in names:
            await transaction.execute(INSERT, {"id": name})


async def listed(database: PostgresDatabase) -> list[str]:
    async with database.read() as transaction:
        return [name for (name,) in await transaction.fetch(NAMES, {})]


async def asked(database: PostgresDatabase, sql: str) -> object:
    async with database.write() as transaction:
        return (await transaction.fetch(sql, {}))[0][0]


def hurry(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    """Let a limit of each transaction be 50 ms."""
    for name in ("BEGIN_READ", "BEGIN_WRITE"):
        begin = getattr(postgres, name)
        lines = [
            f"SET LOCAL {setting} = '50ms';" if setting in line else line
            for line in begin.splitlines()
        ]
        monkeypatch.setattr(postgres, name, "\n".join(lines))


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert {record.getMessage() for record in warnings} <= {"database_unavailable"}
    return [vars(record)["reason"] for record in warnings]


# --- Statements ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT :a::text", "SELECT $1::text", ("a",)),
        ("x LIKE '%:a%' AND y % :b = 0", "x LIKE '%:a%' AND y % $1 = 0", ("b",)),
        ("SELECT 'it''s :a', \":b\", :c", "SELECT 'it''s :a', \":b\", $1", ("c",)),
    ],
)
def test_named_places_become_numbers(sql: str, text: str, names: tuple[str, ...]) -> None:
    assert positional(sql) == (text, names)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("synchronous_commit", "on"),
        ("transaction_isolation", "read committed"),
        ("statement_timeout", "5s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "3s"),
    ],
)
async def test_each_writing_transaction_is_set_up_alike(
    database: PostgresDatabase, url: PostgresUrl, setting: str, value: str
) -> None:
    with other(url) as connection:
        for wrong in ("synchronous_commit = off", "default_transaction_isolation = serializable"):
            connection.execute(f"ALTER ROLE postgres IN DATABASE {name_of(url)} SET {wrong}")
    assert await asked(database, f"SHOW {setting}") == value


async def test_durability_that_is_stronger_than_usual_is_left_alone(
    database: PostgresDatabase, url: PostgresUrl
) -> None:
    with other(url) as connection:
        wanted = "synchronous_commit = remote_apply"
        connection.execute(f"ALTER ROLE postgres IN DATABASE {name_of(url)} SET {wanted}")
    assert await asked(database, "SHOW synchronous_commit") == "remote_apply"


def name_of(url: PostgresUrl) -> str:
    return url.text.partition("@/")[2].partition("?")[0]


async def test_a_character_that_cannot_be_stored_is_the_callers_fault(
    database: PostgresDatabase,
) -> None:
    with pytest.raises(Malformed):
        await insert(database, "a\0b")


# --- Locks and limits ------------------------------------------------------------------------


async def test_a_lock_that_is_not_given_up_is_unavailable(
    database: PostgresDatabase,
    url: PostgresUrl,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hurry(monkeypatch, "lock_timeout")
    with other(url) as connection:
        begin_to_write(connection)
        with pytest.raises(Unavailable, match="try again"):
            await insert(database, "too early")
        assert await listed(database) == [], "reading goes on meanwhile"
        connection.execute("ROLLBACK")
    await insert(database, "in time")
    assert await listed(database) == ["in time"]
    assert reasons(caplog) == ["canceling statement due to lock timeout"]


async def test_a_lock_that_is_given_up_in_time_is_waited_for(
    database: PostgresDatabase, url: PostgresUrl
) -> None:
    with other(url) as connection:
        begin_to_write(connection)
        task = asyncio.create_task(insert(database, "patient"))
        await asyncio.sleep(0.1)
        assert not task.done()
        connection.execute("ROLLBACK")
        await task
    assert await listed(database) == ["patient"]


async def test_who_stands_still_in_a_transaction_is_thrown_out_of_it(
    database: PostgresDatabase, url: PostgresUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, "idle_in_transaction_session_timeout")

    async def stand_still() -> None:
        async with database.write() as transaction:
            await transaction.execute(INSERT, {"id": "lost"})
            await asyncio.sleep(0.3)
            await insert(another, "others go on")

    another = PostgresDatabase(url)
    with pytest.raises(Unavailable):
        await stand_still()
    await another.close()
    assert names(url) == ["others go on"]


async def test_a_statement_that_takes_too_long_is_given_up(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, "statement_timeout")
    with pytest.raises(Unavailable):
        await asked(database, "SELECT pg_sleep(5)")
    await insert(database, "afterwards")


async def test_who_reads_waits_for_a_session_and_not_for_ever(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hold() -> None:
        async with database.read():
            held.release()
            await done.wait()

    monkeypatch.setattr(postgres, "WAIT_S", 0.1)
    held, done = asyncio.Semaphore(0), asyncio.Event()
    holding = [asyncio.create_task(hold()) for _ in range(postgres.CONNECTIONS)]
    for _ in holding:
        await held.acquire()
    with pytest.raises(Unavailable):
        await listed(database)
    done.set()
    await asyncio.gather(*holding)
    assert await listed(database) == []


async def test_sessions_are_used_again(database: PostgresDatabase, url: PostgresUrl) -> None:
    for number in range(5):
        await insert(database, f"{number}")
        await listed(database)
        with suppress(psycopg.ProgrammingError):
            await asked(database, "SELECT nothing_of_that_name")
    count = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'dragoman'"
    assert await asked(database, f"{count} AND datname = '{name_of(url)}'") == 1


# --- A server that goes ----------------------------------------------------------------------


async def test_a_server_that_was_restarted_is_not_noticed(
    stoppable: PostgresDatabase, own_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    for number in signal.SIGINT, signal.SIGQUIT:
        await insert(stoppable, f"before {number}")
        own_server.stop(number)
        own_server.run()
        await insert(stoppable, f"after {number}")
    assert len(await listed(stoppable)) == 4
    assert reasons(caplog) == []


async def test_a_server_that_is_away_is_unavailable_until_it_is_back(
    stoppable: PostgresDatabase, own_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    await insert(stoppable, "before")
    own_server.stop()
    for attempt in (stoppable.ping(), listed(stoppable), insert(stoppable, "lost")):
        with pytest.raises(Unavailable):
            await attempt
    assert len(reasons(caplog)) == 3
    own_server.run()
    await stoppable.ping()
    assert await listed(stoppable) == ["before"]


async def test_a_server_that_falls_silent_is_given_up(
    stoppable: PostgresDatabase, own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_session, "HANG_S", 0.3)
    await insert(stoppable, "before")
    with own_server.frozen():
        async with asyncio.timeout(HANG_S):
            with pytest.raises(Unavailable):
                await insert(stoppable, "lost")
    assert await listed(stoppable) == ["before"]


# --- What nobody gets to see -----------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:geheim@/nowhere?host=/nonexistent",
        "postgresql://ada:geheim@127.0.0.1:1/nowhere",
        "postgresql://127.0.0.1:1/nowhere?user=ada&password=geheim",
    ],
)
async def test_a_password_is_in_no_log_line_no_exception_and_no_repr(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = PostgresDatabase(PostgresUrl(url))
    with pytest.raises(Unavailable) as refused:
        await database.ping()
    assert "geheim" not in repr(PostgresUrl(url))
    shown = [repr(refused.value), repr(refused.value.__cause__), *map(str, reasons(caplog))]
    assert [text for text in shown if "geheim" in text] == []


def test_a_url_that_cannot_be_read_is_not_quoted() -> None:
    with pytest.raises(SettingsError, match="DRAGOMAN_DATABASE_URL") as refused:
        PostgresDatabase(PostgresUrl("postgresql://ada:geheim@[host/db"))
    assert "geheim" not in str(refused.value)
    assert refused.value.__suppress_context__
