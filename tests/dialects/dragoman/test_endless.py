"""A map or list without end is one problem, and not one for each thing in it."""

from typing import Any

import pytest
from pydantic import ValidationError

from dragoman.dialect.endless import MAX_LISTED
from dragoman.dialects.dragoman.llm_schema import LlmCreate, LlmPatch
from dragoman.dialects.dragoman.schema import KeyInput, OrganizationInput, PrincipalInput
from dragoman.dialects.dragoman.values import Asked

WITHOUT_END = dict.fromkeys(map(str, range(MAX_LISTED + 1)), 1)
ENDLESS: list[tuple[type[Asked], tuple[str | int, ...], Any]] = [
    (LlmCreate, (), WITHOUT_END),
    (LlmPatch, (), WITHOUT_END),
    (KeyInput, (), WITHOUT_END),
    (OrganizationInput, (), WITHOUT_END),
    (PrincipalInput, (), WITHOUT_END),
    (KeyInput, ("permissions",), [1] * (MAX_LISTED + 1)),
    (LlmPatch, ("labels",), WITHOUT_END),
    (LlmPatch, ("headers",), WITHOUT_END),
    (LlmPatch, ("capabilities",), WITHOUT_END),
    (LlmPatch, ("sampling",), WITHOUT_END),
    (LlmPatch, ("sampling", "stop_sequences"), [1] * (MAX_LISTED + 1)),
    (LlmPatch, ("credential",), WITHOUT_END),
    (LlmPatch, ("credential", "hints"), WITHOUT_END),
    (LlmPatch, ("credential", "labels"), WITHOUT_END),
    (LlmPatch, ("credential", "scopes"), [1] * (MAX_LISTED + 1)),
    (LlmPatch, ("endpoints",), [1] * (MAX_LISTED + 1)),
    (LlmPatch, ("modalities",), [1] * (MAX_LISTED + 1)),
    (LlmPatch, ("tags",), [1] * (MAX_LISTED + 1)),
]


@pytest.mark.parametrize(("model", "path", "sent"), ENDLESS)
def test_it_is_refused_before_it_is_read(
    model: type[Asked], path: tuple[str, ...], sent: Any
) -> None:
    for name in reversed(path):
        sent = {name: sent}
    with pytest.raises(ValidationError) as refused:
        model.model_validate(sent)
    found = [each for each in refused.value.errors() if each["loc"][: len(path)] == path]
    assert [(each["loc"], each["type"]) for each in found] == [(path, "too_long")]


def test_one_that_ends_in_time_is_read() -> None:
    sent = dict.fromkeys(map(str, range(MAX_LISTED)), "x")
    assert LlmPatch.model_validate({"labels": sent}).labels == sent
