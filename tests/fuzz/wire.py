"""What a fuzzer's input means."""

from typing import NamedTuple


class Wire(NamedTuple):
    """What an upstream sends before it closes, and how the network cuts it."""

    wire: bytes
    sizes: bytes = b""
    """The sizes of the pieces, less one; what is left comes as one more."""
