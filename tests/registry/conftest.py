"""A fresh installation for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dragoman.app import bootstrap
from dragoman.settings import Settings
from tests.registry.installation import Installation
from tests.registry.platforms import Platform, open_platform


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    """Make a database and join the use cases to it."""
    made = await Installation.make(tmp_path)
    yield made
    await made.database.close()


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    """Start an installation once, and open it for its operator."""
    await bootstrap.prepare(Settings(data_dir=str(tmp_path / "data")))
    async with open_platform(tmp_path / "data") as platform:
        yield platform
