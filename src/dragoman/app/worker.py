"""One serving process."""

import asyncio
import gc
import math
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
import uvloop

from dragoman.app import logs
from dragoman.app.compose import serving
from dragoman.app.front import Front
from dragoman.app.listener import Listener
from dragoman.dialect.request_id import renew_prefix
from dragoman.settings import Settings
from dragoman.vault.keys import Keyring

KEEP_ALIVE_S = 75
READY = b"r"


def run(
    settings: Settings, keyring: Keyring, listener: socket.socket, ready: int, life: int
) -> None:
    """Serve until SIGTERM, then end what is running.

    Writes to the descriptor `ready` when requests can be served. `life` is the reading end of a
    pipe that the parent holds open: when it closes, the parent is gone, and so are we.
    """
    logs.configure(settings)
    renew_prefix()
    uvloop.run(_serve(settings, keyring, listener, ready, life))


async def _serve(
    settings: Settings, keyring: Keyring, listener: socket.socket, ready: int, life: int
) -> None:
    loop = asyncio.get_running_loop()
    async with serving(settings, keyring) as front:
        server = _Server(_config(front, settings), on_started=lambda: os.write(ready, READY))

        def stop() -> None:
            loop.remove_reader(life)  # a closed pipe would go on telling
            server.should_exit = True

        loop.add_signal_handler(signal.SIGTERM, stop)
        loop.add_reader(life, stop)
        await server.serve(sockets=[listener])


def _config(front: Front, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        front,
        http=Listener,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nobody here needs the caller's address, so nobody has to be believed about it.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(settings.drain_s),
    )


class _Server(uvicorn.Server):
    """uvicorn, with word when it has started, and without handlers of its own for signals."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What is there now stays: looking through it at every collection is wasted.
        gc.collect()
        gc.freeze()
        self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would raise them again before we have closed the rest."""
        yield
