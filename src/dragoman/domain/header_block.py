"""Lines of a request's head that go out together, as a rule with many requests."""


class HeaderBlock:
    """Header lines in order, names in lower case; they may be secret, and cannot be printed."""

    __slots__ = ("lines", "written")

    def __init__(self, lines: list[tuple[bytes, bytes]]) -> None:
        self.lines = lines
        self.written = b""
        """What the way out has made of them, once; empty until then."""

    def __repr__(self) -> str:
        return f"HeaderBlock({len(self.lines)})"
