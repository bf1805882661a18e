"""Where a request carries its API keys."""

from dragoman.domain.errors import Unauthenticated
from dragoman.domain.ports import Headers

MAX_KEYS = 2


def api_keys(headers: Headers) -> list[str]:
    """Collect the keys of `Authorization: Bearer` and `x-api-key`.

    Raises Unauthenticated for another scheme, and for more keys than a request can mean.
    """
    keys = []
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("Use 'Authorization: Bearer <key>' or 'x-api-key: <key>'.")
            keys.append(key.strip())
        elif name == b"x-api-key":
            keys.append(value.decode("latin-1").strip())
    if len(keys) > MAX_KEYS:
        raise Unauthenticated("This request carries too many credentials.")
    return keys
