"""Key-encryption keys (KEKs): made, written and read as a keyring file.

A keyring file has one key a line, its id and 64 hexadecimal digits; the first one seals, all
of them open. Lines that begin with `#` are comments. Hexadecimal, because Python's base64
decoder takes several texts for the same bytes.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

KEY_SIZE_BYTES = 32
HEADER = "# Dragoman's key-encryption keys. Whoever has this file can open stored credentials.\n"


_DIGITS = re.compile(f"[0-9a-f]{{{2 * KEY_SIZE_BYTES}}}", re.ASCII)


class KeyringError(ValueError):
    """A keyring file that cannot be used; the message says what to do, and quotes no key."""


class Keyring:
    """The KEKs of one installation: `active_id` seals, every one opens."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise KeyringError("the keyring file holds no key; restore it from a backup")
        self._keys = MappingProxyType(dict(keys))
        self.active_id = next(iter(keys))

    @classmethod
    def generate(cls) -> "Keyring":
        """Make a keyring of one fresh key."""
        key = secrets.token_bytes(KEY_SIZE_BYTES)
        return cls({key_id(key): key})

    @classmethod
    def read(cls, path: Path) -> "Keyring":
        """Read a keyring file; raises KeyringError where it is damaged, OSError."""
        try:
            return cls.parse(path.read_bytes().decode("ascii"))
        except UnicodeDecodeError:
            raise KeyringError(f"{path} is not a keyring file; restore it from a backup") from None

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read a keyring file's text; raises KeyringError where it is damaged."""
        keys: dict[str, bytes] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip() and not line.startswith("#"):
                named, key = _parse_line(line, number)
                keys[named] = key
        return cls(keys)

    def to_text(self) -> str:
        """Write the keyring file's text. It holds the keys: for a file of mode 0600 only."""
        return HEADER + "".join(f"{named} {key.hex()}\n" for named, key in self._keys.items())

    def get(self, kek_id: str) -> bytes | None:
        """Give the key of this id, or None where the keyring lacks it."""
        return self._keys.get(kek_id)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all keys."""
        return frozenset(self._keys)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"


def key_id(key: bytes) -> str:
    """Name a key by what it is, so that an id can never stand for another key."""
    return "kek_" + hashlib.sha256(b"dragoman key-encryption key id\0" + key).hexdigest()[:16]


def _parse_line(line: str, number: int) -> tuple[str, bytes]:
    named, _, digits = line.strip().partition(" ")
    key = bytes.fromhex(digits) if _DIGITS.fullmatch(digits) else None
    if key is None:
        raise KeyringError(
            f"line {number} of the keyring file is not an id and {2 * KEY_SIZE_BYTES} hexadecimal "
            "digits; restore the file from a backup"
        )
    if key_id(key) != named:
        raise KeyringError(
            f"line {number} of the keyring file: the key is not the one its id names; "
            "restore the file from a backup"
        )
    return named, key
