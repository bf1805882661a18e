"""What GoodMem's queries say, in each of their spellings: `ownerId` and `owner_id`, and so on.

goodmem writes snake case and `label[key]`, goodmem-client writes camel case and `label.key`, and
GoodMem's page documents both. Parameters that are not known are ignored.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, get_args

from dragoman.dialects.goodmem.values import FLAGS, ProviderType
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.ids import is_id
from dragoman.domain.labels import MAX_REQUIREMENTS, Operator, Requirement, label_problem

Parameters = Sequence[tuple[str, str]]
"""Names and values as they came, decoded."""

PROVIDER_TYPES: tuple[ProviderType, ...] = get_args(ProviderType)


class Filters(NamedTuple):
    """Which LLMs a list asks for; all conditions have to hold."""

    owner_id: str | None
    provider_type: ProviderType | None
    labels: tuple[Requirement, ...]


def filters(parameters: Parameters) -> Filters:
    """Read what a list is filtered by. Raises Invalid."""
    owner_id = _only(parameters, "ownerId", "owner_id")
    if owner_id is not None and not is_id(owner_id := owner_id.lower()):
        raise Invalid(Problem(("ownerId",), "must be a UUID", "invalid_id"))
    named = _only(parameters, "providerType", "provider_type")
    return Filters(
        owner_id,
        None if named is None else _provider_type(named.upper()),
        tuple(_labels(parameters)),
    )


def includes_credentials(parameters: Parameters) -> bool:
    """Read whether credentials are to be shown too. Raises Invalid."""
    said = _only(parameters, "includeCredentials", "include_credentials")
    if said is not None and said not in FLAGS:
        raise Invalid(Problem(("includeCredentials",), "must be true or false", "invalid_flag"))
    return said is not None and FLAGS[said]


def _only(parameters: Parameters, *spellings: str) -> str | None:
    """Find the value of a parameter: of two values, two readers may take either."""
    values = [value for name, value in parameters if name in spellings]
    if len(values) > 1:
        raise _twice(spellings[0])
    return values[0] if values else None


def _twice(name: str) -> Invalid:
    return Invalid(Problem((name,), "is there twice; send it once, in one spelling", "duplicate"))


def _provider_type(name: str) -> ProviderType:
    for known in PROVIDER_TYPES:
        if name == known:
            return known
    message = f"must be one of {', '.join(PROVIDER_TYPES)}"
    raise Invalid(Problem(("providerType",), message, "invalid_provider_type"))


def _labels(parameters: Parameters) -> Iterator[Requirement]:
    asked: dict[str, str] = {}
    for key, value in _label_pairs(parameters):
        problem = label_problem(key, value)
        if problem is not None:
            raise Invalid(Problem(("label",), problem, "invalid_label"))
        if key in asked:
            raise _twice("label")
        asked[key] = value
    if len(asked) > MAX_REQUIREMENTS:
        raise Invalid(Problem(("label",), f"must be at most {MAX_REQUIREMENTS}", "too_big"))
    for key, value in asked.items():
        yield Requirement(key, Operator.IN, (value,))


def _label_pairs(parameters: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in parameters:
        if name.startswith("label."):
            yield name.removeprefix("label."), value
        elif name.startswith("label[") and name.endswith("]"):
            yield name.removeprefix("label[").removesuffix("]"), value
        elif name == "label" or name.startswith("label["):
            message = "must be written label.key=value or label[key]=value"
            raise Invalid(Problem(("label",), message, "invalid_label"))


def _described(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


LIST_PARAMETERS = [
    _described("ownerId", type="string", format="uuid"),
    _described("owner_id", type="string", format="uuid"),
    _described("providerType", type="string", enum=list(PROVIDER_TYPES)),
    _described("provider_type", type="string", enum=list(PROVIDER_TYPES)),
    _described("label", type="object", additionalProperties={"type": "string"})
    | {"style": "deepObject", "explode": True},
]
GET_PARAMETERS = [
    _described("includeCredentials", type="boolean", default=False),
    _described("include_credentials", type="boolean", default=False),
]
"""How the description of the API names them; each may be there once, in one spelling."""
