"""Secrets taken out of what an upstream writes, as it passes and wherever it is cut."""

from collections.abc import Iterable

SHORTEST = 8
"""Shorter secrets are not looked for in answers: they stand in them by chance [bytes]."""
STAR = b"*"


class Hidden:
    """What must not be shown, ready to be looked for; it cannot be printed.

    `texts` are looked for in bodies, and in headers too; `in_headers` only there.
    """

    __slots__ = ("_all", "beginnings", "texts")

    def __init__(self, texts: Iterable[bytes] = (), in_headers: Iterable[bytes] = ()) -> None:
        texts = set(texts)
        self._all = tuple(texts | set(in_headers))
        self.texts = tuple(text for text in texts if len(text) >= SHORTEST)
        self.beginnings = frozenset(byte for text in self.texts for byte in text[:-1])
        """The bytes that a beginning of one may end with."""

    def __repr__(self) -> str:
        return f"Hidden({len(self.texts)})"

    def is_in(self, value: bytes) -> bool:
        """Tell whether a header's value holds one, however short that is."""
        for text in self._all:  # noqa: SIM110  # a generator would cost more than the search
            if text in value:
                return True
        return False


class Mask:
    """Covers secrets in the pieces of one body, each byte of them with a star.

    The length stays what it was announced to be. Of a piece that ends with what may be the
    beginning of a secret, that much waits for the next one; nothing else waits.
    """

    __slots__ = ("_beginnings", "_covered", "_held", "_texts")

    def __init__(self, hidden: Hidden) -> None:
        self._texts = hidden.texts
        self._beginnings = hidden.beginnings
        self._held = b""
        self._covered = 0
        """How much of what is held belongs to a secret that was found already."""

    def passed(self, piece: bytes) -> bytes:
        """Give what may pass of this piece, which is not empty, and of what was held back."""
        if self._held:
            return self._taken_apart(self._held + piece)
        for text in self._texts:
            if piece.find(text) >= 0:  # `in` takes twice as long: it tries for a number first
                return self._taken_apart(piece)
        if piece[-1] in self._beginnings:
            return self._taken_apart(piece)
        return piece

    def rest(self) -> bytes:
        """Give what was held back: no more comes, so that it did not begin a secret."""
        held, self._held = self._held, b""
        return self._covering(held, len(held)) if held else held

    def _taken_apart(self, data: bytes) -> bytes:
        end = len(data) - self._begun(data)
        passed = self._covering(data, end)
        self._held = data[end:]
        return passed

    def _begun(self, data: bytes) -> int:
        """Say how much at the end may be the beginning of a secret [bytes]."""
        longest = 0
        for text in self._texts:
            at = data.find(text[:1], max(0, len(data) - len(text) + 1))
            while at >= 0 and not text.startswith(data[at:]):
                at = data.find(text[:1], at + 1)
            if at >= 0:
                longest = max(longest, len(data) - at)
        return longest

    def _covering(self, data: bytes, end: int) -> bytes:
        """Cover every secret, as far as the end; remember how far the last one goes beyond it."""
        reach = self._covered
        if not reach and not any(text in data for text in self._texts):
            return data[:end]
        covered = bytearray(data)
        covered[:reach] = STAR * reach
        for text in self._texts:
            at = data.find(text)
            while 0 <= at < end:
                reach = max(reach, at + len(text))
                covered[at : at + len(text)] = STAR * len(text)
                at = data.find(text, at + 1)
        self._covered = max(reach - end, 0)
        return bytes(covered[:end])
