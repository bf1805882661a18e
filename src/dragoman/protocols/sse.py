"""Server-sent events, taken out of the bytes of a stream (WHATWG HTML, section 9.2.6).

Each byte is looked at once, however the network has cut them. What is kept is one event, of
limited size.
"""

from collections.abc import Iterator

from dragoman.domain.errors import UpstreamBroken

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Twice what a line of a stream may have by default: nobody sends an event of so many bytes."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DATA = b"data"
LINE_ENDS = (b"\n", b"\r")


class EventStream:
    """Gives the data of each event. Names of events, ids and retry times are not acted on."""

    __slots__ = ("_after_cr", "_data", "_is_first", "_line", "_max_bytes", "_size")

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._line = bytearray()
        """What has come of a line that has no end yet."""
        self._data: list[bytes] = []
        """The data lines of an event that has no end yet."""
        self._size = 0
        """How long those are together [bytes]."""
        self._after_cr = False
        self._is_first = True

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Give the data of the events that this piece ends. Raises UpstreamBroken for too much."""
        if self._after_cr and piece:
            piece = piece.removeprefix(b"\n")
        self._after_cr = piece.endswith(b"\r")
        for line in piece.splitlines(keepends=True):
            if not line.endswith(LINE_ENDS):
                self._line += line
                self._check()
            elif whole := self._ended(line):
                self._take(whole)
            elif self._data:
                yield self._event()

    def _ended(self, line: bytes) -> bytes:
        """Give a whole line without its end."""
        line = line.rstrip(b"\r\n")
        if self._line:
            line = bytes(self._line) + line
            self._line.clear()
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(BYTE_ORDER_MARK)
        return line

    def _take(self, line: bytes) -> None:
        """Act on a line that is not empty: keep it if it is data."""
        name, _, value = line.partition(b":")
        if name == DATA:
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._size += len(value) + 1  # lines without anything count too
            self._check()

    def _event(self) -> bytes:
        data = b"\n".join(self._data)
        self._data.clear()
        self._size = 0
        return data

    def _check(self) -> None:
        if self._size + len(self._line) > self._max_bytes:
            raise UpstreamBroken(
                f"The upstream sent an event of more than {self._max_bytes} bytes."
            )
