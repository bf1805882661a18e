"""The text of an API key: made once, shown once, afterwards known by its digest.

`dgm_`, then 32 characters that carry 160 random bits, then 7 that carry a CRC-32 of them.
The checksum is no protection; it lets a mistyped key be refused without asking the database,
and lets secret scanners tell a key from chance.
"""

import base64
import hashlib
import re
import secrets
import zlib

PREFIX = "dgm_"
ENTROPY_SIZE_BYTES = 20
_RANDOM_LENGTH = 32
_SHAPE = re.compile(PREFIX + r"[a-z2-7]{39}", re.ASCII)


def generate() -> str:
    """Make the text of a new API key."""
    random = _base32(secrets.token_bytes(ENTROPY_SIZE_BYTES))
    return PREFIX + random + _checksum(random)


def is_well_formed(text: str) -> bool:
    """Tell whether a text can be an API key at all; costs no look-up."""
    if _SHAPE.fullmatch(text) is None:
        return False
    random = text[len(PREFIX) : len(PREFIX) + _RANDOM_LENGTH]
    return text[len(PREFIX) + _RANDOM_LENGTH :] == _checksum(random)


class PresentedKey:
    """An API key as a request carries it; it cannot be printed."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = digest(text)

    def __repr__(self) -> str:
        return "PresentedKey(****)"


def digest(text: str) -> bytes:
    """Give what is stored of a key. Its 160 random bits need no slow or salted hash."""
    return hashlib.sha256(text.encode()).digest()


def _checksum(random: str) -> str:
    return _base32(zlib.crc32(random.encode()).to_bytes(4, "big"))


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()
