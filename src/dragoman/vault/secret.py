"""A secret in memory, in a type that does not let it slip out."""

import hmac
from typing import NoReturn

MASK = "****"
"""What stands wherever a secret would be shown."""


MAX_HEADER_LENGTH = 8192


class Secret:
    """A text that cannot be printed, pickled, JSON-encoded or compared by accident.

    `reveal` is called by the vault and by one module of the gateway; a test holds that.
    """

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment]  # a hash would make it a dictionary's key

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the plain text."""
        return self._text

    def is_same_as(self, other: "Secret") -> bool:
        """Compare in a time that does not depend on where the two differ."""
        return hmac.compare_digest(self._text.encode(), other.reveal().encode())

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        raise TypeError("secrets are compared with is_same_as, never with ==")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


def looks_masked(text: str) -> bool:
    """Tell whether a text is what we or others show in place of a secret.

    Storing it would replace a working secret by its own picture.
    """
    stripped = text.strip()
    is_dots = stripped != "" and not stripped.strip("*•.…")
    return is_dots or any(mark in stripped for mark in (MASK, "...", "…"))


def header_problem(secret: Secret) -> str | None:
    """Say why a secret cannot be a credential in a header, or None if it can; never quotes it."""
    if secret.reveal().lower().startswith("bearer "):
        return "begins with 'Bearer', which is put before it where it is sent"
    return value_problem(secret)


def value_problem(secret: Secret) -> str | None:
    """Say why a secret cannot be a header's value, or None if it can; never quotes it."""
    text = secret.reveal()
    if not text:
        return "must not be empty"
    if looks_masked(text):
        return "is a mask, not a secret; leave the member out to keep the stored secret"
    return unsendable(secret)


def unsendable(secret: Secret) -> str | None:
    """Say why a text cannot stand in a header, or None if it can; never quotes it."""
    text = secret.reveal()
    if text != text.strip():
        return "begins or ends with white space; was it copied with a line break?"
    if not text.isascii() or not text.isprintable():
        return "must be printable ASCII, because it is sent in an HTTP header"
    if len(text) > MAX_HEADER_LENGTH:
        return f"must have at most {MAX_HEADER_LENGTH} characters, as an HTTP header"
    return None
