"""One serving process."""

import asyncio
import gc
import os
import signal
import socket

import uvloop

from dragoman.app import logs
from dragoman.app.compose import serving
from dragoman.app.descriptors import share
from dragoman.dialect.request_id import renew_prefix
from dragoman.server.limits import Limits
from dragoman.server.server import Server
from dragoman.settings import Settings
from dragoman.vault.keys import Keyring

READY = b"r"

GC_THRESHOLD = 20_000
"""How many more objects have to be there for a collection; a call makes some twenty."""


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
    sockets = share(settings)
    async with serving(settings, keyring, upstream_connections=sockets.upstreams) as parts:
        server = Server(parts.front, _limits(settings, sockets.callers))
        stopping = asyncio.Event()

        def stop() -> None:
            loop.remove_reader(life)  # a closed pipe would go on telling
            stopping.set()

        loop.add_signal_handler(signal.SIGTERM, stop)
        loop.add_reader(life, stop)
        await server.listen(listener)
        # What is there now stays: looking through it at every collection is wasted. What comes is
        # let go of without one, but for few circles.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        os.write(ready, READY)
        await stopping.wait()
        await server.drain(settings.drain_s, end_calls=parts.pool.close)


def _limits(settings: Settings, connections: int) -> Limits:
    return Limits(
        head_s=settings.caller_head_s,
        body_s=settings.caller_body_s,
        write_s=settings.caller_write_s,
        keep_alive_s=settings.caller_keep_alive_s,
        connections=connections,
    )
