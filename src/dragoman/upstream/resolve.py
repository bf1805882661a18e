"""From host names to addresses, off the event loop."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

Resolve = Callable[[str], Awaitable[list[str]]]
"""Gives a host's addresses, the preferred one first; raises OSError if there are none."""

THREADS = 32
"""So many names may be stuck in a dead name server before others wait behind them."""


class SystemResolver:
    """Asks the system's resolver, in threads of its own.

    The loop's own `getaddrinfo` shares few threads (libuv: four) between all hosts; here a host
    with a dead name server holds one thread, however many callers wait for it.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dns")
        self._lookups: dict[str, asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str) -> list[str]:
        """Look a host up, or join the look-up that is already under way."""
        lookup = self._lookups.get(host)
        if lookup is None:
            loop = asyncio.get_running_loop()
            lookup = loop.run_in_executor(self._threads, _addresses, host)
            self._lookups[host] = lookup
            lookup.add_done_callback(lambda _: self._lookups.pop(host))
        # Another caller may be waiting for the same answer when this one is cancelled.
        return await asyncio.shield(lookup)

    def close(self) -> None:
        """Let the threads end; one that is stuck ends with its look-up."""
        self._threads.shutdown(wait=False)


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [_text(family, address) for family, _, _, _, address in found]


def _text(family: int, address: tuple[object, ...]) -> str:
    """Write an address with its zone, without which a link-local one leads nowhere."""
    zone = address[3] if family == socket.AF_INET6 else 0
    return f"{address[0]}%{zone}" if zone else str(address[0])
