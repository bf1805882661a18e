"""Secrets taken out of what an upstream writes, as it passes and wherever it is cut."""

from collections.abc import Iterable

SHORTEST = 8
"""Shorter secrets are not looked for in answers: they stand in them by chance [bytes]."""
STAR = b"*"
WORDS = b"abcdefghijklmnopqrstuvwxyz _-"
"""What most of a text consists of."""


class Hidden:
    """What must not be shown, ready to be looked for; it cannot be printed.

    `texts` are looked for in bodies, and in headers too; `in_headers` only there.
    """

    __slots__ = ("_all", "_lowered", "beginnings", "marks", "texts")

    def __init__(self, texts: Iterable[bytes] = (), in_headers: Iterable[bytes] = ()) -> None:
        texts = set(texts)
        self._all = tuple(texts | set(in_headers))
        self._lowered = tuple(text.lower() for text in self._all)
        self.texts = tuple(text for text in texts if len(text) >= SHORTEST)
        self.marks = tuple((_mark(text), text) for text in self.texts)
        """A piece of each of them, which is looked for first."""
        self.beginnings = frozenset(byte for text in self.texts for byte in text[:-1])
        """The bytes that a beginning of one may end with."""

    def __repr__(self) -> str:
        return f"Hidden({len(self.texts)})"

    def is_in(self, value: bytes) -> bool:
        """Tell whether a header's value holds one, however short that is."""
        for text in self._all:  # noqa: SIM110  # a generator would cost more than the search
            if value.find(text) >= 0:
                return True
        return False

    def is_in_name(self, name: bytes) -> bool:
        """Tell whether a header's name holds one, in whatever case: names have none."""
        name = name.lower()
        return any(text in name for text in self._lowered)

    def covered(self, body: bytes) -> bytes:
        """Cover secrets in a body that is all there."""
        for mark, text in self.marks:
            # `in` takes twice as long: it tries for a number first
            if body.find(mark) >= 0 and body.find(text) >= 0:
                mask = Mask(self)
                return mask.passed(body) + mask.rest()
        return body


def _mark(text: bytes) -> bytes:
    """Choose the piece of a secret that is least like what models say.

    A search goes on by its whole length wherever it meets a character that is not in what it looks
    for. A long secret has nearly all of them, and would be looked for byte by byte.
    """
    pieces = (text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1))
    return min(pieces, key=lambda piece: len(piece) - len(piece.translate(None, WORDS)))


class Mask:
    """Covers secrets in the pieces of one body, each byte of them with a star.

    The length stays what it was announced to be. Of a piece that ends with what may be the
    beginning of a secret, that much waits for the next one; nothing else waits.
    """

    __slots__ = ("_beginnings", "_covered", "_held", "_marks", "_texts")

    def __init__(self, hidden: Hidden) -> None:
        self._texts = hidden.texts
        self._marks = hidden.marks
        self._beginnings = hidden.beginnings
        self._held = b""
        self._covered = 0
        """How much of what is held belongs to a secret that was found already."""

    def passed(self, piece: bytes) -> bytes:
        """Give what may pass of this piece, which is not empty, and of what was held back."""
        if self._held:
            return self._taken_apart(self._held + piece)
        for mark, text in self._marks:
            if piece.find(mark) >= 0 and piece.find(text) >= 0:
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
