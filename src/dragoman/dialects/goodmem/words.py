"""Problems that the registry finds, in the words of the request. Pure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from pydantic.alias_generators import to_camel

from dragoman.dialects.goodmem import schema
from dragoman.domain.errors import Invalid, Problem

Path = tuple[str | int, ...]

WIRE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "provider": "providerType",
        "protocol": "dashscopeApiDialect",
        "model": "modelIdentifier",
        "modalities": "supportedModalities",
        "sampling": "defaultSamplingParams",
    }
)
"""What the domain calls otherwise; all other names are the same in another spelling."""


@contextmanager
def in_words_of(body: schema.LlmCreate | schema.LlmUpdate) -> Iterator[None]:
    """Let problems that the block raises be told in the words of the request."""
    try:
        yield
    except Invalid as error:
        raise Invalid(
            *(
                p._replace(path=_wire_path(p.path, p.code, body), message=_message(p))
                for p in error.problems
            )
        ) from None


def _wire_path(path: Path, code: str, body: schema.LlmCreate | schema.LlmUpdate) -> Path:
    match path:
        case ("secret",):
            return ("credentials",) if code == "secret_required" else _in_api_key("inlineSecret")
        case ("credential", "labels"):
            return ("credentials", "labels")
        case ("credential", "held"):
            is_google = body.credentials is not None and body.credentials.gcp_adc is not None
            return ("credentials", "gcpAdc") if is_google else _in_api_key("secretRef")
        case ("credential", "header"):
            return _in_api_key("headerName")
        case ("credential", "prefix"):
            return _in_api_key("prefix")
        case ("endpoints", *_):
            is_path = body.api_path is not None and body.endpoint_url is None
            return ("apiPath",) if is_path else ("endpointUrl",)
        case ("labels",) if isinstance(body, schema.LlmUpdate):
            return ("mergeLabels",) if body.replace_labels is None else ("replaceLabels",)
        case ("headers", *_):
            return path  # other dialects have them; this one can only say so
        case _:
            first, *rest = (to_camel(step) if isinstance(step, str) else step for step in path)
            return (WIRE_NAMES.get(str(path[0]), first), *rest)


def _message(problem: Problem) -> str:
    """Write what is wrong; ids are read in any case here."""
    return "must be a UUID" if problem.code == "invalid_id" else problem.message


def _in_api_key(member: str) -> Path:
    return ("credentials", "apiKey", member)
