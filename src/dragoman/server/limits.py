"""What a caller may take: time, bytes, connections."""

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds on callers' connections. Times are kept to within a second."""

    head_bytes: int = 32 * 1024
    """The longest request line and headers, and the longest trailer [bytes]."""
    head_s: float = 15.0
    """From the first byte of a head to its last [s]."""
    body_s: float = 30.0
    """How long a body may take [s], beside what `BODY_BYTES_PER_S` allows for its size."""
    write_s: float = 60.0
    """How long a caller may take nothing of an answer that is waiting [s]."""
    keep_alive_s: float = 75.0
    """How long a connection may be silent between two requests, and before the first [s]."""
    connections: int = 10_000
    """How many callers may be connected to one process; more are told to come again."""


BODY_BYTES_PER_S = 1024
"""Each so many bytes of a body give it another second: a slow line is not a slow loris."""

AHEAD_BYTES = 256 * 1024
"""Read ahead of the answers, for callers that do not wait for them [bytes]. As long as less is
unread, it is seen at once when the caller goes away."""

AHEAD_REQUESTS = 64
"""As many requests may wait in line on a connection; one takes much more memory than its bytes."""

UNREAD_BYTES = 256 * 1024
"""With more of a body than this unread by its handler, the caller is not read from [bytes]."""

LINGER_S = 1.0
"""How long what a refused caller still sends is dropped [s]: closed at once, it would see a reset
in place of its answer."""
