"""A pool that may call loopback."""

from collections.abc import AsyncIterator

import pytest

from dragoman.upstream.pool import HttpPool
from tests.upstream.calling import LOOPBACK


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    pool = HttpPool(LOOPBACK)
    yield pool
    await pool.close()
