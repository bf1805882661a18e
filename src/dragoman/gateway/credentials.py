"""The one module of the gateway in which secrets are plain text: put on, and taken out again."""

from dragoman.gateway.directory import Target
from dragoman.vault.secret import MASK


def header(target: Target) -> tuple[bytes, bytes] | None:
    """Write the header line that carries an LLM's credential, or None where it has none."""
    stored = target.llm.credential
    if target.secret is None or stored is None:
        return None
    return target.credential_header, (stored.placement.prefix + target.secret.reveal()).encode()


def scrubbed(text: str, target: Target) -> str:
    """Give a text that an upstream wrote, without the credential that it may quote."""
    if target.secret is None:
        return text
    return text.replace(target.secret.reveal(), MASK)


def quotes_credential(value: bytes, target: Target) -> bool:
    """Tell whether a header that an upstream wrote holds the credential."""
    return target.secret is not None and target.secret.reveal().encode() in value
