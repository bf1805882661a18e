"""What an OpenAPI description says, as flat facts that two descriptions can be compared by."""

from collections.abc import Iterator, Mapping
from typing import Any

Facts = dict[str, str]
"""Where something is said, and what."""

Document = Mapping[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
LIMITS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "minLength",
    "maxLength",
    "maxItems",
    "maxProperties",
    "format",
)


def facts(document: Document) -> Facts:
    """Give what a description says about requests and answers, texts and examples aside."""
    found: Facts = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                at = f"{method.upper()} {_nameless(path)}"
                shared, own = (each.get("parameters", ()) for each in (item, item[method]))
                operation = {**item[method], "parameters": [*shared, *own]}
                found |= dict(_of_operation(document, at, operation))
    return found


def _nameless(path: str) -> str:
    """Write a path without the names of its parameters, which nobody sends."""
    parts = path.split("/")
    return "/".join("{}" if part.startswith("{") else part for part in parts)


def _of_operation(document: Document, at: str, operation: Document) -> Iterator[tuple[str, str]]:
    yield at, "exists"
    for parameter in operation["parameters"]:
        if parameter["in"] == "query":
            yield f"{at} ?{parameter['name']}", _kind(document, parameter["schema"])
    body = operation.get("requestBody")
    if body is not None:
        for media, content in body["content"].items():
            yield from _of_schema(document, f"{at} body {media}", content["schema"])
    for status, answer in operation["responses"].items():
        yield f"{at} {status}", "exists"
        for media, content in _resolved(document, answer).get("content", {}).items():
            if status.startswith("2"):
                yield from _of_schema(document, f"{at} {status} {media}", content["schema"])


def _of_schema(document: Document, at: str, schema: Document) -> Iterator[tuple[str, str]]:
    """Walk through a schema; what may be null besides counts as what it is."""
    schema = _merged(document, schema)
    yield at, _kind(document, schema)
    for limit in LIMITS:
        if limit in schema:
            yield f"{at} ({limit})", str(schema[limit])
    for name, member in schema.get("properties", {}).items():
        inner = f"{at} .{name}"
        yield from _of_schema(document, inner, member)
        if name in schema.get("required", ()):
            yield f"{inner} (required)", "yes"
    if "items" in schema:
        yield from _of_schema(document, f"{at} []", schema["items"])
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield from _of_schema(document, f"{at} .*", schema["additionalProperties"])


def _merged(document: Document, schema: Document) -> dict[str, Any]:
    """Follow references, and join what has to hold together; of a choice, drop the null."""
    merged: dict[str, Any] = {}
    schema = dict(_resolved(document, schema))
    for part in (*(_merged(document, each) for each in schema.pop("allOf", ())), schema):
        properties = merged.get("properties", {}) | part.get("properties", {})
        required = [*merged.get("required", ()), *part.get("required", ())]
        merged |= {**part, "properties": properties, "required": required}
    choices = [
        each for each in merged.get("anyOf", ()) if _resolved(document, each).get("type") != "null"
    ]
    if len(choices) == 1:
        del merged["anyOf"]
        return _merged(document, choices[0]) | {
            name: merged[name] for name in merged if merged[name]
        }
    return merged


def _kind(document: Document, schema: Document) -> str:
    schema = _merged(document, schema)
    if "enum" in schema:
        return "one of " + ", ".join(sorted(str(each) for each in schema["enum"]))
    if "const" in schema:
        return f"one of {schema['const']}"
    if "anyOf" in schema:
        choices = {_kind(document, each) for each in schema["anyOf"]}
        return " or ".join(sorted(kind for kind in choices if kind))
    kinds = schema.get("type", "anything")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(sorted(kind for kind in kinds if kind != "null"))


def _resolved(document: Document, schema: Document) -> Document:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema
