"""The one module of the gateway in which secrets are plain text: put on, and taken out again."""

import json
from collections.abc import Iterator

from dragoman.domain.credential import Credential, GoogleAdc
from dragoman.domain.llm import LLM
from dragoman.gateway.mask import Hidden
from dragoman.gateway.target import SecretLines, Target
from dragoman.vault.secret import MASK, Secret

SHORTEST_SCRUBBED = 8
"""Of extra headers, values from this length on are taken out of what an upstream writes."""

ExtraHeaders = tuple[tuple[str, Secret], ...]

SHORTEST_KEY = 20
"""Of extra headers, values from this length on can be keys that are covered in bodies."""

HTML_IN_JSON = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""How Go's encoder writes these (pkg.go.dev/encoding/json, "HTMLEscape", 2026-11)."""


def secret_lines(llm: LLM, secret: Secret | None, headers: ExtraHeaders) -> SecretLines:
    """Write the header lines that carry an LLM's credential and its extra headers."""
    lines = [(name.encode(), value.reveal().encode()) for name, value in headers]
    stored = llm.credential
    if secret is not None and stored is not None:
        value = (stored.placement.prefix + secret.reveal()).encode()
        lines.append((stored.placement.header.lower().encode(), value))
        lines += _lines_beside(stored)
    return SecretLines(lines)


def _lines_beside(stored: Credential) -> Iterator[tuple[bytes, bytes]]:
    """Say which project is billed (cloud.google.com/docs/quotas/set-quota-project, 2026-11)."""
    if isinstance(stored.held, GoogleAdc) and stored.held.quota_project_id:
        yield b"x-goog-user-project", stored.held.quota_project_id.encode()


def scrubbed(text: str, target: Target) -> str:
    """Give a text that an upstream wrote, without the secrets that it may quote.

    The longest goes first: where one secret is a part of another, nothing of either is left.
    """
    secrets = _secrets(target.secret, target.headers)
    for plain in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        text = text.replace(plain, MASK)
    return text


def hidden(secret: Secret | None, headers: ExtraHeaders) -> Hidden:
    """Give what answers may not show: the secrets, as they are and as JSON may spell them.

    An extra header may be a key, but also a date (`anthropic-version`) or the name of a program;
    such words belong to what models say, and are left alone in bodies.
    """
    extra = [each.reveal() for each in _secrets(None, headers)]
    keys = [plain for plain in extra if _looks_like_a_key(plain)]
    if secret is not None:
        keys.append(secret.reveal())
    texts = {spelling.encode() for plain in keys for spelling in _spellings(plain)}
    return Hidden(texts, in_headers=[plain.encode() for plain in extra])


def _looks_like_a_key(plain: str) -> bool:
    """Tell whether a text is long and mixed enough to be no word of a language, date or URL."""
    return (
        len(plain) >= SHORTEST_KEY
        and any(character.isdigit() for character in plain)
        and any(character.isalpha() for character in plain)
        and not any(character in plain for character in " :")
    )


def _spellings(plain: str) -> set[str]:
    """Write a text as itself, and as encoders of JSON do that escape more or less of it."""
    escaped = json.dumps(plain)[1:-1]
    slashed = escaped.replace("/", "\\/")  # PHP's
    return {plain, escaped, slashed, escaped.translate(HTML_IN_JSON)}


def _secrets(secret: Secret | None, headers: ExtraHeaders) -> Iterator[Secret]:
    """Give what must not come back. A very short header value says nothing, and is everywhere."""
    if secret is not None:
        yield secret
    for _, value in headers:
        if len(value.reveal()) >= SHORTEST_SCRUBBED:
            yield value
