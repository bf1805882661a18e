"""The members of a file that an operator applies: one list of objects, checked strictly."""

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from dragoman.cli.strict_yaml import loads
from dragoman.domain.errors import Problem

STRICT = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)
"""How members are read: strict about types and names, silent about values."""

Kind = TypeVar("Kind", bound=BaseModel)


def listed(
    data: bytes, name: str, kind: type[Kind], context: dict[str, Any] | None = None
) -> tuple[list[tuple[int, Kind]], list[Problem]]:
    """Read a file whose one member is a list; gives what could be read, and what is wrong.

    Raises Malformed for what is not YAML.
    """
    document = loads(data)
    if not isinstance(document, dict) or not isinstance(document.get(name), list):
        message = f"the file must have one member '{name}', a list"
        return [], [Problem((name,), message, "invalid")]
    problems = [_unknown((other,)) for other in document if other != name]
    found = []
    for position, member in enumerate(document[name]):
        try:
            found.append((position, kind.model_validate(member, context=context)))
        except ValidationError as error:
            problems += _problems((name, position), error)
    return found, problems


def _problems(at: tuple[str | int, ...], error: ValidationError) -> Iterator[Problem]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        path = (*at, *(step for step in found["loc"] if step != "[key]"))
        if found["type"] == "extra_forbidden":
            yield _unknown(path)
        else:
            yield Problem(path, found["msg"], found["type"])


def _unknown(path: tuple[str | int, ...]) -> Problem:
    return Problem(path, "is not a member that this file has", "unknown")
