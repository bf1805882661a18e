"""Server-sent events (WHATWG HTML, section 9.2.6), however the network cuts their bytes."""

import re
from collections.abc import Iterable, Iterator

from dragoman.cli.failures import Failure

MAX_EVENT_BYTES = 16 * 1024 * 1024

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


class EventReader:
    """Gives the data of each event; names, ids and comments mean nothing here.

    Lines are put together as bytes and read as UTF-8 when they are whole, so a character may be
    cut anywhere. Each byte is looked at once.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._line_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._after_cr = False
        self._is_first = True

    def feed(self, piece: bytes) -> Iterator[str]:
        """Take the next bytes; gives the events that end in them."""
        if self._after_cr and piece.startswith(b"\n"):
            piece = piece[1:]  # the second half of a line's end
            self._after_cr = False
        if not piece:
            return
        self._after_cr = piece.endswith(b"\r")
        *ended, rest = _LINE_END.split(piece)
        for part in ended:
            line = b"".join((*self._line, part))
            self._line, self._line_bytes = [], 0
            yield from self._take(line)
        self._line.append(rest)
        self._line_bytes += len(rest)
        if self._line_bytes + self._data_bytes > MAX_EVENT_BYTES:
            raise Failure("The answer holds an event that is too large to be one; it was given up.")

    def close(self) -> Iterator[str]:
        """Take note of the end: the last event counts without its empty line, if it is whole."""
        if not any(self._line):
            yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[str]:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                data, self._data, self._data_bytes = b"\n".join(self._data), [], 0
                yield data.decode(errors="replace")
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_bytes += len(value)


def events(pieces: Iterable[bytes]) -> Iterator[str]:
    """Read the data of all events of a stream."""
    reader = EventReader()
    for piece in pieces:
        yield from reader.feed(piece)
    yield from reader.close()
