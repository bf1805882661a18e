"""The bodies of requests to a registry dialect: how large one may be, and what is in it."""

from typing import Any

from dragoman.dialect import strict_json
from dragoman.dialect.exchange import JSON, JSON_OR_PATCH, require_json
from dragoman.domain.errors import Malformed
from dragoman.domain.ports import Headers
from dragoman.gateway.aside import Aside

LARGE_BODY_BYTES = 64 * 1024
"""What is larger is read in a thread: it takes longer than a call waits between two pieces."""


class Bodies:
    """Reads bodies for all registry dialects of a process."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` is the size of the largest body."""
        self.max_bytes = max_bytes
        self._aside = Aside()

    async def members(self, method: str, headers: Headers, body: bytes) -> dict[str, Any]:
        """Read the JSON object that a body is. Raises UnsupportedMediaType, Malformed."""
        require_json(headers, JSON_OR_PATCH if method == "PATCH" else JSON)
        if len(body) > LARGE_BODY_BYTES:
            value = await self._aside.read(strict_json.loads, body)
        else:
            value = strict_json.loads(body)
        if not isinstance(value, dict):
            raise no_object()
        return value


def no_object() -> Malformed:
    """Say that a body is something else, or nothing."""
    return Malformed("The body must be a JSON object.", code="invalid_json")
