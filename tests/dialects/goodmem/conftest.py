"""One server with two workers for the tests of this folder; and an LLM that answers its pings."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from dragoman.domain.llm import Provider
from tests.dialects.anam.tenants import Tenant
from tests.dialects.goodmem.pinging import GOOD, Service, service
from tests.dialects.goodmem.registrations import client
from tests.running import RunningDragoman


@pytest.fixture
async def good(tmp_path: Path) -> AsyncIterator[Service]:
    """Serve an LLM that answers."""
    async with service(tmp_path, GOOD, provider=Provider.OPEN_ROUTER) as made:
        yield made


@pytest.fixture(scope="session")
def dragoman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    """Run Dragoman as it is shipped."""
    with RunningDragoman.start(tmp_path_factory.mktemp("goodmem") / "data", workers=2) as running:
        yield running


@pytest.fixture
def tenant(dragoman: RunningDragoman) -> Iterator[Tenant]:
    """Make an organization that no other test knows."""
    with Tenant(dragoman) as tenant:
        yield tenant


@pytest.fixture
def admin(tenant: Tenant) -> Iterator[httpx2.Client]:
    """Give the client of the organization's admin."""
    with client(tenant.dragoman, tenant.keys["admin"]) as made:
        yield made


@pytest.fixture(params=["/goodmem/v1/llms", "/v1/llms"])
def llms(request: pytest.FixtureRequest) -> str:
    """Give each of the two places where this dialect answers."""
    return str(request.param)
