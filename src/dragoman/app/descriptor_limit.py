"""How many descriptors a process may have; the parent raises it for all of its workers."""

import resource
from contextlib import suppress

MOST = 1 << 20
"""More is not asked for: there are systems where "unlimited" costs time and memory."""


def raise_limit() -> None:
    """Allow this process, and those that it starts, as many descriptors as it may have.

    Where the system does not let us, what there is has to do.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def limit() -> int:
    """Say how many this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else soft
