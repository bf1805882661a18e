"""How callers and upstreams share the sockets that a process may have."""

from typing import NamedTuple

from dragoman.app.descriptor_limit import limit
from dragoman.server.server import BEING_TOLD
from dragoman.settings import Settings
from dragoman.upstream.resolve import ROOM

LOOK_UPS = 2 * ROOM
"""Each look-up of a name asks on a socket of its own."""

DATABASE = 16
"""SQLite's connections with three files each, or PostgreSQL's connections."""

OTHERS = 48
"""Standard streams, the listener, pipes, the loop's own, files that are read for a moment, and the
connections and look-ups of sources of secrets."""

KEPT = BEING_TOLD + LOOK_UPS + DATABASE + OTHERS
"""Left to everything but callers who are served and connections to upstreams."""


class Share(NamedTuple):
    """Who may have how many sockets of one process."""

    callers: int
    upstreams: int


def share(settings: Settings) -> Share:
    """Divide what this process may open: new work is refused before none is left.

    Callers have no more than half, because each of them may need an upstream.
    """
    free = limit() - KEPT
    callers = max(1, min(settings.caller_connections, free // 2))
    return Share(callers, max(1, free - callers))
