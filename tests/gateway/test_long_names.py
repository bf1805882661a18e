"""A caller decides how long a name is, and what is remembered of it has to stay small."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dragoman.domain.errors import NotFound
from dragoman.domain.llm import MAX_NAME_LENGTH
from dragoman.gateway.directory import Directory
from tests.fakes.held import FakeHeldSecrets
from tests.registry.installation import Installation, a_configuration, a_draft


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    made = await Installation.make(tmp_path)
    yield made
    await made.database.close()


async def test_a_name_that_no_llm_can_have_is_not_remembered(installation: Installation) -> None:
    directory = Directory(
        store=installation.store,
        vault=installation.vault,
        held=FakeHeldSecrets(),
        clock=installation.clock,
    )
    who = await installation.acting()
    longest = "x" * MAX_NAME_LENGTH
    await installation.llms.create(who, a_draft(a_configuration(display_name=longest)))
    assert (await directory.find(who, longest)).llm.configuration.display_name == longest
    for name in ("y" * (MAX_NAME_LENGTH + 1), "y" * 1_000_000):
        with pytest.raises(NotFound, match="No LLM"):
            await directory.find(who, name)
    assert len(directory._unknown) == 0
