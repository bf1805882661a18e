"""A fresh installation for each test of what callers reach."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.registry.installation import Installation


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    """Make a database and join the use cases to it."""
    made = await Installation.make(tmp_path)
    yield made
    await made.database.close()
