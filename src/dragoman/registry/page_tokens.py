"""Page tokens: where the next page of a list begins, in a text that only we can write."""

import base64
import binascii
import hmac
import struct

from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.page import Cursor
from dragoman.vault.digests import Digests

_TIME = struct.Struct(">q")
_DIGEST_SIZE_BYTES = 16


class PageTokens:
    """Writes and reads the tokens of one installation.

    `about` says which list a token belongs to: whose, and with which filters. A token that is
    used on another list is refused, so pages never mix.
    """

    def __init__(self, digests: Digests) -> None:
        self._digests = digests

    def write(self, cursor: Cursor | None, about: bytes) -> str | None:
        """Write a token; None where there is no next page."""
        if cursor is None:
            return None
        payload = _TIME.pack(cursor.at_ms) + cursor.id.encode()
        return base64.urlsafe_b64encode(self._digest(about, payload) + payload).decode().rstrip("=")

    def read(self, token: str, about: bytes) -> Cursor:
        """Read a token. Raises Invalid (`page_token`) for what is not one of this list."""
        try:
            box = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise _no_token() from None
        digest, payload = box[:_DIGEST_SIZE_BYTES], box[_DIGEST_SIZE_BYTES:]
        if not hmac.compare_digest(digest, self._digest(about, payload)):
            raise _no_token()
        cursor = Cursor(_TIME.unpack_from(payload)[0], payload[_TIME.size :].decode())
        if token != self.write(cursor, about):  # Base64 can be written in several ways
            raise _no_token()
        return cursor

    def _digest(self, about: bytes, payload: bytes) -> bytes:
        return self._digests.of_token(about, payload)[:_DIGEST_SIZE_BYTES]


def _no_token() -> Invalid:
    return Invalid(
        Problem(
            ("page_token",),
            "is not a token of this list; begin again without it, with the same filters",
            "invalid_page_token",
        )
    )
