"""The kinds of values that members and parameters have, and how strictly each is read."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from dragoman.dialect.endless import ending
from dragoman.dialect.times import read_time
from dragoman.domain.labels import parse_selector
from dragoman.domain.page import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

MAX_SEARCH_LENGTH = 255
MAX_TEXT_LENGTH = 2048
"""Of a parameter; nothing that is filtered by is longer."""


class Asked(BaseModel):
    """What a request brings: strict about types, refusing what it does not know."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    # Each unknown member would be a problem.
    _ends = model_validator(mode="before")(ending)


class Filters(BaseModel):
    """The parameters of a request: texts, each read in one way only, and no others."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Shown(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


def _whole(value: object) -> object:
    """Take 100.0 for 100, as JSON Schema does; JSON itself has one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_zero(value: float) -> float:
    return value + 0.0


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_one_zero)]


def _time(text: str) -> str:
    try:
        read_time(text)
    except ValueError as error:
        raise PydanticCustomError("invalid_time", "{reason}", {"reason": str(error)}) from None
    return text


Time = Annotated[str, AfterValidator(_time), Field(json_schema_extra={"format": "date-time"})]
"""A time that somebody sends; `dialect.times` reads it."""
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time that is shown."""
Identifier = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
JsonObject = dict[str, Any]
Texts = Annotated[dict[str, str | None], BeforeValidator(ending)]
"""Texts by name; a null takes one away."""


def _plain_number(text: object) -> object:
    """Refuse what Python takes for a number and HTTP does not, such as 1_0."""
    if isinstance(text, str) and not re.fullmatch("-?[0-9]{1,18}", text):
        raise PydanticCustomError("int_parsing", "Input should be a valid integer")
    return text


def _plain_flag(text: object) -> object:
    """Refuse what Python takes for true and JSON does not, such as yes."""
    if isinstance(text, str) and text not in {"true", "false"}:
        raise PydanticCustomError("bool_parsing", "Input should be true or false")
    return text


def _searchable(text: str) -> str:
    if "\0" in text or "\x1f" in text:
        raise PydanticCustomError("invalid_text", "must not contain the characters NUL or US")
    return text


def _selector(text: str) -> str:
    try:
        parse_selector(text)
    except ValueError as error:
        raise PydanticCustomError("invalid_selector", "{reason}", {"reason": str(error)}) from None
    return text


Flag = Annotated[bool, BeforeValidator(_plain_flag)]
Text = Annotated[str, Field(max_length=MAX_TEXT_LENGTH), AfterValidator(_searchable)]
Search = Annotated[str, Field(max_length=MAX_SEARCH_LENGTH), AfterValidator(_searchable)]
Selector = Annotated[str, AfterValidator(_searchable), AfterValidator(_selector)]


class NoParameters(Filters):
    """Nothing can be said in the query."""


class PageParameters(Filters):
    """Which page of a list."""

    page_size: Annotated[int, BeforeValidator(_plain_number)] = Field(
        default=DEFAULT_PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE, description="Most items on the page."
    )
    page_token: Text | None = Field(
        default=None,
        description="`next_page_token` of the page before, with the same filters; leave it out "
        "for the first page.",
    )
