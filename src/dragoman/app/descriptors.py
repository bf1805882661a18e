"""How many sockets a process may have, and how callers and upstreams share them."""

import resource
from typing import NamedTuple

from dragoman.settings import Settings

MOST = 1 << 20
"""More is not asked for: there are systems where "unlimited" costs time and memory."""

KEPT = 192
"""Left to databases, logs, pipes and look-ups of names, and to callers who are told that there
is no room."""


class Share(NamedTuple):
    """Who may have how many sockets of one process."""

    callers: int
    upstreams: int


def raise_limit() -> None:
    """Allow this process, and those that it starts, as many descriptors as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def share(settings: Settings) -> Share:
    """Divide what this process may open: new work is refused before none is left.

    Callers have no more than half, because each of them may need an upstream.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = (MOST if soft == resource.RLIM_INFINITY else soft) - KEPT
    callers = max(1, min(settings.caller_connections, free // 2))
    return Share(callers, max(1, free - callers))
