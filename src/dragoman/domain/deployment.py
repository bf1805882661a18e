"""This installation: one registry, however many processes and machines serve it."""

from msgspec import Struct

from dragoman.domain.credential import Sealed


class Deployment(Struct, frozen=True, gc=False):
    """The one row that makes a database ours. Its id is bound into every ciphertext."""

    id: str
    created_at_ms: int
    digest_key: Sealed | None = None
    """What fingerprints and page tokens are made with; None in what version 0.1 made."""
