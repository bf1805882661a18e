"""The one module of the gateway in which secrets are plain text: put on, and taken out again."""

import json
from collections.abc import Iterator

from dragoman.domain.llm import LLM
from dragoman.gateway.mask import Hidden
from dragoman.gateway.target import SecretLines, Target
from dragoman.vault.secret import MASK, Secret

SHORTEST_SCRUBBED = 8
"""Of extra headers, values from this length on are taken out of what an upstream writes."""

ExtraHeaders = tuple[tuple[str, Secret], ...]

HTML_IN_JSON = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""How Go's encoder writes these (pkg.go.dev/encoding/json, "HTMLEscape", 2026-11)."""


def secret_lines(llm: LLM, secret: Secret | None, headers: ExtraHeaders) -> SecretLines:
    """Write the header lines that carry an LLM's credential and its extra headers."""
    lines = [(name.encode(), value.reveal().encode()) for name, value in headers]
    stored = llm.credential
    if secret is not None and stored is not None:
        value = (stored.placement.prefix + secret.reveal()).encode()
        lines.append((stored.placement.header.lower().encode(), value))
    return SecretLines(lines)


def scrubbed(text: str, target: Target) -> str:
    """Give a text that an upstream wrote, without the secrets that it may quote.

    The longest goes first: where one secret is a part of another, nothing of either is left.
    """
    secrets = _secrets(target.secret, target.headers)
    for plain in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        text = text.replace(plain, MASK)
    return text


def hidden(secret: Secret | None, headers: ExtraHeaders) -> Hidden:
    """Give what answers may not show: the secrets, as they are and as JSON may spell them."""
    texts = set()
    for each in _secrets(secret, headers):
        plain = each.reveal()
        escaped = json.dumps(plain)[1:-1]
        slashed = escaped.replace("/", "\\/")  # as PHP's encoder does it
        texts |= {plain, escaped, slashed, escaped.translate(HTML_IN_JSON)}
    return Hidden(text.encode() for text in texts)


def _secrets(secret: Secret | None, headers: ExtraHeaders) -> Iterator[Secret]:
    """Give what must not come back. A very short header value says nothing, and is everywhere."""
    if secret is not None:
        yield secret
    for _, value in headers:
        if len(value.reveal()) >= SHORTEST_SCRUBBED:
            yield value
