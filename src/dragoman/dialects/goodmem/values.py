"""The kinds of values on the wire, and how each is read.

GoodMem's page shows numbers, booleans, labels and stop sequences as texts; its clients send them
as what they are. Both are read here. What is shown is always a number, a boolean, an object.
"""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from dragoman.dialect import strict_json
from dragoman.dialect.endless import MAX_LISTED, ending
from dragoman.domain.errors import Malformed
from dragoman.domain.labels import MAX_LABELS
from dragoman.domain.url import url_problem

WHOLE = r"-?(0|[1-9][0-9]{0,17})"
NUMBER = r"-?(0|[1-9][0-9]{0,307})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?"
FLAGS = {"true": True, "false": False}


class Asked(BaseModel):
    """What a request brings: deaf to members it does not know, silent about rejected values."""

    model_config = ConfigDict(
        strict=True, extra="ignore", hide_input_in_errors=True, alias_generator=to_camel
    )


class Shown(BaseModel):
    """An answer, which our own code fills in by our own names."""

    model_config = ConfigDict(strict=True, validate_by_name=True, alias_generator=to_camel)


def whole(value: object) -> object:
    """Read a whole number that is written as a text; leave everything else as it is."""
    if isinstance(value, str) and re.fullmatch(WHOLE, value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(NUMBER, value):
        number = float(value)
        return value if math.isinf(number) else number
    return value


def _one_zero(value: float) -> float:
    return value + 0.0


def flag(value: object) -> object:
    """Read a boolean that is written as a text; leave everything else as it is."""
    return FLAGS.get(value, value) if isinstance(value, str) else value


def _decoded(value: object) -> object:
    """Read what is written as a text of JSON; what is none stays a text, and is refused as one."""
    if isinstance(value, str):
        try:
            return strict_json.loads(value.encode())
        except Malformed:
            return value
    return value


def or_text(schema: dict[str, Any], **text: Any) -> WithJsonSchema:
    """Describe a value that may be written as a text too."""
    return WithJsonSchema({"anyOf": [schema, {"type": "string"} | text]})


def _base_url(url: str) -> str:
    """Refuse what is no address by itself, whatever a path behind it would make of it."""
    problem = url_problem(url) if url else None
    if problem is None and "?" in url:
        problem = "must not contain a query (?…); that belongs to apiPath"
    if problem is not None:
        raise PydanticCustomError("invalid_url", "{problem}", {"problem": problem})
    return url


Whole = Annotated[int, BeforeValidator(whole), or_text({"type": "integer"}, pattern=f"^{WHOLE}$")]
Number = Annotated[
    float,
    Field(allow_inf_nan=False),
    BeforeValidator(_number),
    AfterValidator(_one_zero),
    or_text({"type": "number"}, pattern=f"^{NUMBER}$"),
]
Flag = Annotated[bool, BeforeValidator(flag), or_text({"type": "boolean"}, enum=[*FLAGS])]
Texts = Annotated[dict[str, str], BeforeValidator(ending)]
Labels = Annotated[
    Texts,
    BeforeValidator(_decoded),
    or_text(
        {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "maxProperties": MAX_LABELS,
        },
        contentMediaType="application/json",
    ),
]
MAX_STOP_SEQUENCES = 10
MAX_STOP_SEQUENCE_LENGTH = 100
StopSequences = Annotated[
    list[str],
    Field(max_length=MAX_LISTED),
    BeforeValidator(_decoded),
    or_text(
        {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_STOP_SEQUENCE_LENGTH},
            "maxItems": MAX_STOP_SEQUENCES,
        },
        contentMediaType="application/json",
    ),
]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Identifier = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
JsonObject = dict[str, Any]

ProviderType = Literal[
    "OPENAI",
    "LITELLM_PROXY",
    "OPEN_ROUTER",
    "DASHSCOPE",
    "VLLM",
    "OLLAMA",
    "LLAMA_CPP",
    "CUSTOM_OPENAI_COMPATIBLE",
]
Modality = Literal["TEXT", "IMAGE", "AUDIO", "VIDEO"]
DashScopeApiDialect = Literal["LLM_NATIVE_TEXT", "LLM_NATIVE_MULTIMODAL", "OPENAI_COMPATIBLE"]
CredentialKind = Literal[
    "CREDENTIAL_KIND_UNSPECIFIED", "CREDENTIAL_KIND_API_KEY", "CREDENTIAL_KIND_GCP_ADC"
]
