"""Pools that may call loopback, closed when their test is over, however it ended."""

from collections.abc import AsyncIterator

import pytest

from dragoman.upstream.pool import HttpPool
from tests.upstream.calling import LOOPBACK, MakePool

DEFAULTS = {"policy": LOOPBACK, "idle_expiry_s": 1000}
"""What closes an idle connection in these tests is never its age."""


@pytest.fixture
async def make_pool() -> AsyncIterator[MakePool]:
    pools: list[HttpPool] = []

    def make(**options: object) -> HttpPool:
        pool = HttpPool(**(DEFAULTS | options))  # type: ignore[arg-type]
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        await pool.close()


@pytest.fixture
async def pool(make_pool: MakePool) -> HttpPool:
    return make_pool()
