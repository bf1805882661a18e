"""What to tell a person when the server's answer is not what the command had asked for."""

import json
from typing import Any

from dragoman import __version__
from dragoman.cli.failures import Failure, one_line, sentence

OTHER_ADDRESS = "Give its address with --url or in DRAGOMAN_URL."
NOT_FOUND = 404
PROBLEM = "application/problem+json"


class Refused(Failure):
    """The server has said no."""

    def __init__(
        self, message: str, status: int, code: str | None = None, paths: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.paths = paths
        """The members that are not right."""


def not_dragoman(url: str, status: int, media_type: str) -> Refused:
    """Say that somebody else answers there."""
    kind = one_line(media_type) or "no content type"
    return Refused(
        f"What answers at {url} is not Dragoman (status {status}, {kind}). {OTHER_ADDRESS}", status
    )


def refusal(url: str, status: int, media_type: str, body: bytes, *, is_api: bool) -> Refused:
    """Read an answer that is no success; `is_api` tells whether /api/v1 was asked."""
    if status == NOT_FOUND and is_api and media_type != PROBLEM and _members(body) is not None:
        return no_api(url)
    if 300 <= status < 400:  # noqa: PLR2004  # redirections
        return Refused(f"{url} redirects to another address. {OTHER_ADDRESS}", status)
    found = _members(body)
    if found is None:
        if status in {502, 503, 504}:
            return Refused(
                f"Nothing is ready behind {url} (status {status}). Try again in a moment.", status
            )
        return not_dragoman(url, status, media_type)
    message = _message(url, status, found)
    return Refused(message, status, _text(found, "code"), _paths(found.get("errors")))


def no_api(url: str) -> Refused:
    """Say that a server has no API of its own; others it may have."""
    return Refused(
        f"The server at {url} has no /api/v1: it is older than this command ({__version__}), or "
        "not Dragoman. Update it, or give another address with --url.",
        NOT_FOUND,
    )


def bad_address() -> Failure:
    """Say what an address looks like; one that is none may hold a secret and is not repeated."""
    return Failure(
        "The server's address must be like http://127.0.0.1:8080, without a user name; the key "
        "goes into DRAGOMAN_API_KEY. Give it with --url or in DRAGOMAN_URL."
    )


def no_key(url: str) -> Failure:
    """Say that there is no API key."""
    return Failure(
        f"No API key for {url}. Set DRAGOMAN_API_KEY, or name a file that holds one with "
        "--api-key-file; 'dragoman key create' makes keys."
    )


def _message(url: str, status: int, found: dict[str, Any]) -> str:
    said = (_text(found, name) for name in ("detail", "message", "error"))
    detail = sentence(next(filter(None, said), ""))
    match status:
        case 401:
            return (
                f"The API key was refused by {url}. Set DRAGOMAN_API_KEY (or --api-key-file) to "
                "an active one; 'dragoman key create' makes keys."
            )
        case 403:
            return (
                f"{detail or 'The API key may not do this.'} Use a key of a role that may; "
                "'dragoman key create --help' lists the roles."
            )
        case 400 | 422 if isinstance(found.get("errors"), list) and found["errors"]:
            return f"The server does not take this: {_problems(found['errors'])}"
        case 429:
            return f"{detail or 'The server has too much to do.'} Try again in a moment."
        case _ if status >= 500:  # noqa: PLR2004  # the server's fault
            return f"{detail or 'The server failed.'} (status {status}{_request(found)})"
        case _:
            return detail or f"The server refused this (status {status}{_request(found)})."


def _problems(errors: list[Any]) -> str:
    """Write what is wrong with a request, each with its place."""
    parts = []
    for each in errors:
        if isinstance(each, dict):
            path, message = _path(each.get("path")), _text(each, "message") or "is not valid"
            parts.append(f"{path}: {message.rstrip('.')}" if path else message.rstrip("."))
    return sentence("; ".join(parts))


def _paths(errors: Any) -> tuple[str, ...]:
    listed = errors if isinstance(errors, list) else []
    return tuple(_path(each.get("path")) for each in listed if isinstance(each, dict))


def _path(path: Any) -> str:
    if isinstance(path, list):
        return ".".join(str(part) for part in path)
    return path if isinstance(path, str) else ""


def _request(found: dict[str, Any]) -> str:
    request_id = _text(found, "request_id")
    return f"; its log knows it as request {one_line(request_id)}" if request_id else ""


def _members(body: bytes) -> dict[str, Any] | None:
    """Read the members of an error, in our own shape or in OpenAI's; None where it is neither."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    inner = found.get("error")
    if isinstance(inner, dict):
        return inner
    return found if {"detail", "title", "errors", "code"} & found.keys() else None


def _text(found: dict[str, Any], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) else None
