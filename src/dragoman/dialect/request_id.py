"""Names for requests, to find one again in a log."""

import itertools
import secrets

HEADER = b"x-request-id"

_prefix = secrets.token_hex(6)
_numbers = itertools.count(1)


def new_request_id() -> str:
    """Name a request: unlike all others of this process, and by chance of all processes."""
    return f"req_{_prefix}{next(_numbers):08x}"


def renew_prefix() -> None:
    """Take a new prefix, in a process that was forked from one that has the same."""
    global _prefix  # noqa: PLW0603  # one name per process is what this module is for
    _prefix = secrets.token_hex(6)
