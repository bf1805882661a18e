"""The connections to one origin: a limit, an order, and nothing that another origin feels."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from dragoman.domain.errors import DragomanError, Unavailable
from dragoman.domain.ports import Deadlines
from dragoman.domain.url import Origin
from dragoman.upstream.connect import Connector
from dragoman.upstream.connection import Connection
from dragoman.upstream.head import host_header


class Load(NamedTuple):
    """How busy a lane is."""

    origin: Origin
    in_use: int
    idle: int
    waiting: int


class Lane:
    """The connections to one origin, at most `limit` of them.

    A place is taken before a connection is opened, and given back when it closes. The connection
    that was used last is used first, so that the others grow old and go. Who finds no place waits
    in line, and is handed either a connection or a place.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        plain_credential: bool,
        connector: Connector,
        limit: int,
        make_room: Callable[[], None],
        idle_expiry_s: float,
    ) -> None:
        self.origin = origin
        self.host = host_header(origin)
        self.idle_expiry_s = idle_expiry_s
        self.places_taken = 0
        self._plain_credential = plain_credential
        self._connector = connector
        self._limit = limit
        self._make_room = make_room
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []
        self._line: deque[asyncio.Future[Connection | None]] = deque()
        self._acquiring = 0
        self._closed_by: DragomanError | None = None

    @property
    def unused(self) -> bool:
        """Whether nobody would miss this lane."""
        return not self.places_taken and not self._acquiring

    @property
    def load(self) -> Load:
        """How busy it is now."""
        idle = len(self._idle)
        waiting = sum(not waiter.done() for waiter in self._line)
        return Load(self.origin, self.places_taken - idle, idle, waiting)

    def take_idle(self) -> Connection | None:
        """Give a connection that is ready, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.ready:
                return connection
            connection.close()
        return None

    def close_idle(self) -> bool:
        """Close the connection that has been idle for longest; False if there is none."""
        if self._idle:
            self._idle[0].close()
            return True
        return False

    async def acquire(self, deadlines: Deadlines) -> Connection:
        """Give a connection, waiting in line or opening one where that is needed.

        Raises what `Connector.open` raises, and `Unavailable` if the line did not move in time.
        """
        limit_s = min(deadlines.connect_s, deadlines.total_s)
        deadline = asyncio.get_running_loop().time() + limit_s
        self._acquiring += 1
        try:
            while True:
                connection = self.take_idle() or await self._turn(deadline, limit_s)
                if connection is None:
                    return await self._open(deadline, limit_s)
                if connection.ready:  # it may have ended while it was handed over
                    return connection
                connection.close()
        finally:
            self._acquiring -= 1

    def release(self, connection: Connection) -> None:
        """Take back a connection that is ready for another exchange."""
        if not self._hand_on(connection):
            self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """Take note that a connection has closed: its place is free."""
        self._connections.discard(connection)
        with suppress(ValueError):
            self._idle.remove(connection)
        self._vacate()

    def close(self, error: DragomanError) -> None:
        """Close every connection and send the line away."""
        self._closed_by = error
        while self._line:
            waiter = self._line.popleft()
            if not waiter.done():
                waiter.set_exception(error)
        for connection in tuple(self._connections):
            connection.close(error)

    async def _open(self, deadline: float, limit_s: float) -> Connection:
        connection = Connection(self)  # from here on the place is its own
        self._connections.add(connection)
        try:
            self._refuse_if_closed()
            await self._connector.open(
                self.origin,
                connection,
                plain_credential=self._plain_credential,
                deadline=deadline,
                limit_s=limit_s,
            )
            self._refuse_if_closed()
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_if_closed(self) -> None:
        if self._closed_by is not None:
            raise self._closed_by

    async def _turn(self, deadline: float, limit_s: float) -> Connection | None:
        """Take a place to open a connection (None), or wait in line for one or the other."""
        if self.places_taken < self._limit:
            self._make_room()
            self.places_taken += 1
            return None
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._line.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter
        except BaseException as error:
            self._leave_line(waiter)
            if isinstance(error, TimeoutError):
                raise Unavailable(
                    f"All {self._limit} connections to {self.origin} were in use for "
                    f"{limit_s:g} s (connect)."
                ) from None
            raise

    def _leave_line(self, waiter: "asyncio.Future[Connection | None]") -> None:
        """Go, and pass on what was handed over in the moment of going."""
        with suppress(ValueError):
            self._line.remove(waiter)
        if not waiter.done() or waiter.cancelled() or waiter.exception() is not None:
            return
        connection = waiter.result()
        if connection is None:
            self._vacate()
        elif connection.ready:
            self.release(connection)
        else:
            connection.close()

    def _vacate(self) -> None:
        if not self._hand_on(None):
            self.places_taken -= 1

    def _hand_on(self, connection: Connection | None) -> bool:
        """Hand a connection, or a place, to the first in line; False if nobody waits."""
        while self._line:
            waiter = self._line.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False
