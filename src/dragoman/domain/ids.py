"""Identifiers: UUIDv7 texts, so that rows sort by the time they were made."""

import re
from uuid import UUID

PLATFORM_ORGANIZATION_ID = "00000000-0000-0000-0000-000000000000"
"""The organization that owns the operator's LLMs: visible to everyone, changed by none."""

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def is_id(text: str) -> bool:
    """Tell whether a text can be an identifier of ours: a UUID in its canonical form."""
    return _UUID.fullmatch(text) is not None


def uuid7(unix_ms: int, entropy: bytes) -> str:
    """Compose a version 7 UUID (RFC 9562, section 5.7) in its canonical lower-case text.

    `unix_ms` is the time of making [ms since 1970]; `entropy` is 10 random bytes.
    """
    time_part = unix_ms.to_bytes(6, "big")
    version = bytes([0x70 | entropy[0] & 0x0F, entropy[1]])
    variant = bytes([0x80 | entropy[2] & 0x3F])
    return str(UUID(bytes=time_part + version + variant + entropy[3:10]))
