"""Reading what is large in a thread, so that everything else goes on meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

Read = TypeVar("Read")
From = TypeVarTuple("From")


class Aside:
    """A thread's worth of reading: bodies take turns, whoever waits for them."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def read(self, reader: Callable[[*From], Read], *what: *From) -> Read:
        """Have something read when it is its turn; raises what the reader raises."""
        await self._turn.acquire()
        reading = asyncio.get_running_loop().run_in_executor(None, reader, *what)
        reading.add_done_callback(self._note_read)
        return await asyncio.shield(reading)

    def _note_read(self, reading: "asyncio.Future[Any]") -> None:
        """Let the next body be read: a thread reads on when its caller has gone."""
        self._turn.release()
        if not reading.cancelled():
            reading.exception()  # looked at, or it would be reported as nobody's
