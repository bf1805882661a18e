"""Which hosts are told the trace that a call belongs to, and what a trace looks like.

W3C Trace Context, level 1 (www.w3.org/TR/trace-context-1, 2021-11).
"""

from collections.abc import Iterable

from dragoman.domain.ports import Headers

TRACEPARENT = b"traceparent"
TRACESTATE = b"tracestate"

PARENT_LENGTH = 55
HEX = b"0123456789abcdef"
NO_TRACE = b"0" * 32
NO_PARENT = b"0" * 16
INVALID_VERSION = b"ff"

MAX_STATE_LENGTH = 512
MAX_STATE_MEMBERS = 32
KEY_BYTES = b"abcdefghijklmnopqrstuvwxyz0123456789_-*/@"
KEY_STARTS = b"abcdefghijklmnopqrstuvwxyz0123456789"
VALUE_BYTES = bytes(byte for byte in range(0x20, 0x7F) if byte not in b",=")


class TraceHosts:
    """The hosts that an operator trusts with traces: names, `*.suffix`, or `*` for all."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        patterns = tuple(patterns)
        self._all = "*" in patterns
        self._names = frozenset(pattern for pattern in patterns if not pattern.startswith("*"))
        self._suffixes = tuple(pattern[1:] for pattern in patterns if pattern.startswith("*."))

    def trusts(self, host: str) -> bool:
        """Tell whether this host, in lower-case ASCII, is one of them."""
        return self._all or host in self._names or host.endswith(self._suffixes)


NOWHERE = TraceHosts()


def trace_lines(parents: list[bytes], states: list[bytes]) -> Headers:
    """Give the header lines that say which trace a call belongs to; none where they are odd.

    A state means nothing without its parent, and an odd one is left out alone.
    """
    if len(parents) != 1 or not is_parent(parents[0]):
        return []
    lines = [(TRACEPARENT, parents[0])]
    state = b",".join(states)
    if state and is_state(state):
        lines.append((TRACESTATE, state))
    return lines


def is_parent(value: bytes) -> bool:
    """Tell whether this is `<version>-<trace id>-<parent id>-<flags>`, as version 00 has it."""
    if len(value) != PARENT_LENGTH or value.translate(None, HEX) != b"---":
        return False
    parts = value.split(b"-")
    return (
        [len(part) for part in parts] == [2, 32, 16, 2]
        and parts[0] != INVALID_VERSION
        and parts[1] != NO_TRACE
        and parts[2] != NO_PARENT
    )


def is_state(value: bytes) -> bool:
    """Tell whether this is a list of `<key>=<value>`."""
    members = [member.strip(b" \t") for member in value.split(b",")]
    return (
        len(value) <= MAX_STATE_LENGTH
        and len(members) <= MAX_STATE_MEMBERS
        and all(_is_member(member) for member in members if member)
    )


def _is_member(member: bytes) -> bool:
    key, mark, value = member.partition(b"=")
    return (
        bool(mark and value)
        and key[:1].translate(None, KEY_STARTS) == b""
        and key != b""
        and not key.translate(None, KEY_BYTES)
        and not value.translate(None, VALUE_BYTES)
    )
