"""From host names to addresses, by the system's own resolver, off the event loop."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from socket import AF_INET6, AI_NUMERICHOST, SOCK_STREAM, gaierror, getaddrinfo

from dragoman.domain.errors import Unavailable

Resolve = Callable[[str], Awaitable[list[str]]]
"""Gives a host's addresses, the preferred one first.

Raises `socket.gaierror` or UnicodeError for a name that has none, and `Unavailable`.
"""

ROOM = 128
"""So many look-ups may be under way, and as many again of names that were answered before."""

REMEMBERED_NAMES = 10_000


class SystemResolver:
    """Asks the system's resolver, so that hosts files and search domains count as everywhere.

    It blocks, for half a minute if name servers are dead, and cannot be called off. So each
    look-up has a thread of its own, for which nothing waits: neither another name nor, because
    it is a daemon, the end of the process. Their number is bounded. Half of the room is kept for
    names that were answered when they were last looked up, so that whoever has many names on
    dead name servers takes it from names like these only.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._lookups: dict[str, asyncio.Future[list[str]]] = {}
        self._answered: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, host: str) -> list[str]:
        """Look a host up, or join the look-up that is already under way."""
        with suppress(gaierror):
            return _numbers(host)
        lookup = self._lookups.get(host) or self._begin(host)
        # Another caller may be waiting for the same answer when this one is cancelled.
        return await asyncio.shield(lookup)

    def _begin(self, host: str) -> asyncio.Future[list[str]]:
        known = host in self._answered
        if len(self._lookups) >= (2 * self._room if known else self._room):
            raise Unavailable("Too many host names are being looked up (DNS); try again.")
        loop = asyncio.get_running_loop()
        lookup: asyncio.Future[list[str]] = loop.create_future()
        thread = threading.Thread(
            target=_look_up, args=(host, loop, lookup), name=f"dns {host}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            raise Unavailable("This process has no room for another thread.") from None
        self._answered.pop(host, None)
        self._lookups[host] = lookup
        lookup.add_done_callback(lambda _: self._end(host, lookup))
        return lookup

    def _end(self, host: str, lookup: asyncio.Future[list[str]]) -> None:
        del self._lookups[host]
        if lookup.cancelled() or lookup.exception() is not None:
            return
        self._answered[host] = None
        if len(self._answered) > REMEMBERED_NAMES:
            self._answered.popitem(last=False)


def _look_up(host: str, loop: asyncio.AbstractEventLoop, lookup: asyncio.Future[list[str]]) -> None:
    """Do the work of a look-up's thread."""
    try:
        found = _addresses(host)
    except Exception as error:  # noqa: BLE001  # whoever waits for the look-up decides
        _tell(loop, lookup, lookup.set_exception, error)
    else:
        _tell(loop, lookup, lookup.set_result, found)


def _tell(
    loop: asyncio.AbstractEventLoop,
    lookup: asyncio.Future[list[str]],
    act: Callable[..., object],
    value: object,
) -> None:
    def told() -> None:
        if not lookup.done():
            act(value)

    with suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(told)


def _numbers(host: str) -> list[str]:
    """Read a host that is an address, in whatever spelling, which waits for nobody."""
    return _addresses(host, AI_NUMERICHOST)


def _addresses(host: str, flags: int = 0) -> list[str]:
    found = getaddrinfo(host, None, type=SOCK_STREAM, flags=flags)
    return [_text(family, address) for family, _, _, _, address in found]


def _text(family: int, address: tuple[object, ...]) -> str:
    """Write an address with its zone, without which a link-local one leads nowhere."""
    zone = address[3] if family == AF_INET6 else 0
    return f"{address[0]}%{zone}" if zone else str(address[0])
