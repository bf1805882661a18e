"""One server with two workers for all tests of this folder; a fresh organization for each."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.dialects.anam.tenants import Tenant
from tests.running import RunningDragoman


@pytest.fixture(scope="session")
def dragoman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    """Run Dragoman as it is shipped."""
    with RunningDragoman.start(tmp_path_factory.mktemp("anam") / "data", workers=2) as running:
        yield running


@pytest.fixture
def tenant(dragoman: RunningDragoman) -> Iterator[Tenant]:
    """Make an organization that no other test knows."""
    with Tenant(dragoman) as tenant:
        yield tenant


@pytest.fixture
def admin(tenant: Tenant) -> httpx2.Client:
    """Give the client of the organization's admin."""
    return tenant.client("admin")


@pytest.fixture(params=["/anam/v1/llms", "/v1/llms"])
def llms(request: pytest.FixtureRequest) -> str:
    """Give each of the two places where this dialect answers."""
    return str(request.param)
