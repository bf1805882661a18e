"""Pools that may call loopback, closed when their test is over, however it ended."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from dragoman.upstream.egress import EgressPolicy
from dragoman.upstream.pool import HttpPool
from tests.scripted_upstream import ScriptedUpstream
from tests.upstream.calling import LOOPBACK, MakePool
from tests.upstream.proxying import MakeProxied, as_proxy, knowing

DEFAULTS = {
    "policy": LOOPBACK,
    "connections": 8192,
    "connections_per_origin": 512,
    "idle_expiry_s": 1000,
}
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


@pytest.fixture
def proxied(make_pool: MakePool) -> MakeProxied:
    """Make a pool whose proxy is a scripted server, the only name that resolves here."""

    def make(proxy: ScriptedUpstream, credential: str = "", **options: object) -> HttpPool:
        defaults = {"policy": EgressPolicy(), "resolve": knowing({})}
        return make_pool(**(defaults | {"proxy": as_proxy(proxy, credential)} | options))

    return make


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(ca: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path
