"""The one place that reads the clock and makes identifiers."""

import secrets
import time

from dragoman.domain.ids import uuid7


class SystemClock:
    """This machine's clock and randomness."""

    def now_ms(self) -> int:
        """Tell the time [ms since 1970]."""
        return time.time_ns() // 1_000_000

    def now_ns(self) -> int:
        """Tell the time [ns since 1970]."""
        return time.time_ns()

    def new_id(self) -> str:
        """Make a UUIDv7 of now."""
        return uuid7(self.now_ms(), secrets.token_bytes(10))
