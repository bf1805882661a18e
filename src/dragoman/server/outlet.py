"""What is waiting for a caller to take it, and how long the caller has taken nothing of it."""

import asyncio

from dragoman.server.sockets import untaken_bytes


class Outlet:
    """The writing side of one connection: whether there is room, and whether anything moves."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.has_room = True
        """Whether the caller takes what is written, or little enough is waiting for it."""
        self._loop = loop
        self._waiters: list[asyncio.Future[None]] = []
        self._still_since = 0.0
        self._waiting_bytes = 0

    async def room(self) -> None:
        """Wait until the caller has taken some of what is waiting for it, or has gone."""
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        await waiter

    def fill(self) -> None:
        """Take note that much is waiting."""
        self.has_room = False
        self.watch()

    def watch(self) -> None:
        """Begin to look whether anything moves."""
        self._still_since, self._waiting_bytes = self._loop.time(), 0

    def free(self) -> None:
        """Take note that there is room again, or nobody to wait for."""
        self.has_room = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def is_stuck(self, transport: asyncio.Transport, now: float, limit_s: float) -> bool:
        """Tell whether the caller has taken nothing for so long, as far as the looks saw [s]."""
        waiting_bytes = transport.get_write_buffer_size() + untaken_bytes(transport)
        if waiting_bytes != self._waiting_bytes:
            self._still_since, self._waiting_bytes = now, waiting_bytes
            return False
        return now - self._still_since > limit_s
