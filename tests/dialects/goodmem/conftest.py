"""An LLM that answers its pings."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dragoman.domain.llm import Provider
from tests.dialects.goodmem.pinging import GOOD, Service, service


@pytest.fixture
async def good(tmp_path: Path) -> AsyncIterator[Service]:
    """Serve an LLM that answers."""
    async with service(tmp_path, GOOD, provider=Provider.OPEN_ROUTER) as made:
        yield made
