"""PostgreSQL: a few sessions for reading and one at a time that writes, in all processes together.

A writing transaction begins by taking one advisory lock and holds it until its end, so that use
cases mean what they mean on SQLite: nobody else changes what they have read.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import psycopg

from dragoman.domain.errors import Unavailable
from dragoman.storage.database import PostgresUrl, Row
from dragoman.storage.postgres_session import (
    BEGIN_READ,
    BEGIN_WRITE,
    COMMIT,
    COMMIT_WITH_NEWS,
    LISTEN,
    Session,
    has_hung_up,
    parameters_of,
    reason,
    tell,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

CONNECTIONS = 4
"""Most sessions of one process, the watching one aside."""
WAIT_S = 5.0
"""How long somebody waits for their turn to write, and for a session [s]."""
LOOK_INTERVAL_S = 0.25
"""After which a watcher looks for itself: a pooler swallows notifications [s]."""


class PostgresTransaction:
    """A transaction of one session."""

    def __init__(self, session: Session, connected_by: Mapping[str, Any]) -> None:
        self._session = session
        self._connected_by = connected_by
        self._failure: Exception | None = None
        self._has_executed = False

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows."""
        return await self._noted(self._session.fetch(sql, parameters))

    async def execute(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Run a statement and give the number of rows it touched; raises UniqueViolation."""
        self._has_executed = True
        return await self._noted(self._session.execute(sql, parameters))

    async def commit(self) -> None:
        """Make it last; raises again what a statement raised."""
        if self._failure is not None:
            raise self._failure
        end = COMMIT_WITH_NEWS if self._has_executed else COMMIT
        await self._noted(self._session.command(end))

    async def _noted(self, statement: Awaitable[T]) -> T:
        try:
            return await statement
        except psycopg.Error as error:
            try:
                tell(error, self._connected_by)
            except Exception as meant:
                self._failure = meant
                raise


class PostgresWatcher:
    """A session that listens, and looks by itself where nothing is to be heard."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a query and give its rows, as of now."""
        return await self._session.fetch(sql, parameters)

    async def news(self) -> None:
        """Wait for the next commit, or for the next look."""
        await self._session.hear(LOOK_INTERVAL_S)


class PostgresDatabase:
    """One PostgreSQL database, open for this process; it connects when there is something to do."""

    def __init__(self, url: PostgresUrl) -> None:
        self._parameters = parameters_of(url)
        self._idle: list[Session] = []
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._writer = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[PostgresTransaction]:
        """Begin a transaction that sees one state of the database."""
        async with self._transaction(BEGIN_READ) as transaction:
            yield transaction

    @asynccontextmanager
    async def write(self) -> AsyncIterator[PostgresTransaction]:
        """Begin a transaction that may write, alone; commits when the block ends well."""
        # Those of this process wait here, and leave the sessions to those who read.
        await _in_time(self._writer.acquire())
        try:
            async with self._transaction(BEGIN_WRITE) as transaction:
                yield transaction
        finally:
            self._writer.release()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[PostgresWatcher]:
        """Connect to hear of commits; what goes wrong is told to who watches, and not logged."""
        try:
            session = await Session.open(self._parameters)
            try:
                await session.command(LISTEN)
                yield PostgresWatcher(session)
            finally:
                await session.close()
        except psycopg.Error as error:
            raise Unavailable(reason(error, self._parameters)) from error

    async def ping(self) -> None:
        """Ask for something small."""
        async with self.read() as transaction:
            await transaction.fetch("SELECT version_num FROM alembic_version", {})

    async def close(self) -> None:
        """Close all connections; what is being undone is undone first."""
        await asyncio.gather(*self._ending)
        await self._close_idle()

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[PostgresTransaction]:
        await _in_time(self._places.acquire())
        try:
            session = await self._begun(begin)
        except BaseException:
            self._places.release()
            raise
        transaction = PostgresTransaction(session, self._parameters)
        try:
            yield transaction
            await transaction.commit()
        except BaseException as error:
            # One that has become read-only, as after a failover, would stay so: it is not kept.
            ending = asyncio.create_task(
                self._undo(session, is_kept=not isinstance(error, Unavailable))
            )
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            await asyncio.shield(ending)
            raise
        self._idle.append(session)
        self._places.release()

    async def _begun(self, begin: str) -> Session:
        """Begin a transaction on a session that lay idle, or on a new one."""
        while True:
            lay_idle = bool(self._idle)
            session = self._idle.pop() if lay_idle else await self._opened()
            try:
                await session.command(begin)
            except BaseException as error:
                await session.close()
                if lay_idle and has_hung_up(error):
                    # While it lay there, and so on the others; nothing has been done on it.
                    await self._close_idle()
                    continue
                if isinstance(error, psycopg.Error):
                    tell(error, self._parameters)
                raise
            return session

    async def _close_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _opened(self) -> Session:
        try:
            return await Session.open(self._parameters)
        except psycopg.Error as error:
            tell(error, self._parameters)

    async def _undo(self, session: Session, *, is_kept: bool) -> None:
        try:
            with suppress(psycopg.Error):
                await session.roll_back()
            if is_kept and session.is_idle:
                self._idle.append(session)
            else:
                await session.close()
        finally:
            self._places.release()


async def _in_time(turn: Awaitable[object]) -> None:
    """Wait for a turn of this process, and not for ever."""
    try:
        async with asyncio.timeout(WAIT_S):
            await turn
    except TimeoutError:
        log.warning("database_unavailable", extra={"reason": "too many wait for their turn"})
        raise Unavailable("The database is busy right now; try again.") from None
