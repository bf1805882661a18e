"""What is accepted can be stored, on each engine."""

import msgspec
import pytest

from dragoman.registry.rules import configuration_problems
from dragoman.upstream.egress import EgressPolicy
from tests.storage.samples import FULL_LLM


@pytest.mark.parametrize("name", ["description", "deployment_name", "api_version"])
def test_a_text_with_the_character_nul_is_refused(name: str) -> None:
    configuration = msgspec.structs.replace(FULL_LLM.configuration, **{name: "a\0b"})
    problems = configuration_problems(configuration, EgressPolicy([]), carries_credential=False)
    assert name in {problem.path[0] for problem in problems}
