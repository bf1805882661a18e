"""Which HTTP status a failure has, in every dialect that has no reason to differ."""

from collections.abc import Mapping
from types import MappingProxyType

from dragoman.domain import errors

STATUSES: Mapping[type[errors.DragomanError], int] = MappingProxyType(
    {
        errors.CallerError: 400,
        errors.Unauthenticated: 401,
        errors.Forbidden: 403,
        errors.NotFound: 404,
        errors.MethodNotAllowed: 405,
        errors.Conflict: 409,
        errors.PreconditionFailed: 412,
        errors.TooManyAtOnce: 429,
        errors.TooLarge: 413,
        errors.UnsupportedMediaType: 415,
        errors.UpstreamError: 502,
        errors.UpstreamTimeout: 504,
        errors.EgressRefused: 502,
        errors.ProxyFailed: 502,
        errors.CredentialUnusable: 502,
        errors.Unavailable: 503,
        errors.DragomanError: 500,
    }
)


def status_of(error: errors.DragomanError) -> int:
    """Give the status that says whose fault it was; the nearest ancestor in the table counts."""
    if isinstance(error, errors.UpstreamRefused):
        return error.status
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def headers_of(error: errors.DragomanError) -> tuple[tuple[str, str], ...]:
    """Give the headers that HTTP asks for beside a status."""
    match error:
        case errors.Unauthenticated():
            return (("www-authenticate", "Bearer"),)
        case errors.MethodNotAllowed(allowed=allowed):
            return (("allow", allowed),)
        case errors.UpstreamRefused(retry_after_s=int(seconds)):
            return (("retry-after", str(seconds)),)
        case errors.Unavailable() | errors.TooManyAtOnce():
            return (("retry-after", "1"),)
        case _:
            return ()
