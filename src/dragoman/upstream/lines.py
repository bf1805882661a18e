"""The lines of an event stream, held to a limit as they come."""


class Lines:
    """Measures lines across the pieces that they come in; keeps nothing of them.

    Whoever reads a stream of events has to keep a line until it ends, so that a line which never
    does would fill the caller's memory. Lines end as in WHATWG HTML, section 9.2.6: in LF, CR LF
    or CR.
    """

    __slots__ = ("_limit", "unended")

    def __init__(self, limit: int) -> None:
        self.unended = 0
        """How much has come of the line that has not ended yet [bytes]."""
        self._limit = limit

    def measure(self, piece: bytes) -> bool:
        """Take note of a piece that is not empty; tells whether every line is short enough."""
        size = self.unended + len(piece)
        if size > self._limit:
            return self._measure_each(piece)
        if piece[-1] == 10:  # noqa: PLR2004  # LF, in which nearly every piece ends
            self.unended = 0
        else:
            end = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
            self.unended = size if end < 0 else len(piece) - end - 1
        return True

    def _measure_each(self, piece: bytes) -> bool:
        sizes = [len(line) for line in piece.splitlines()]
        sizes[0] += self.unended
        self.unended = 0 if piece.endswith((b"\n", b"\r")) else sizes[-1]
        return max(sizes) <= self._limit
