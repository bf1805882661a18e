"""This installation: one registry, however many processes and machines serve it."""

from msgspec import Struct


class Deployment(Struct, frozen=True, gc=False):
    """The one row that makes a database ours. Its id is bound into every ciphertext."""

    id: str
    created_at_ms: int
