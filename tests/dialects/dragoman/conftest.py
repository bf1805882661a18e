"""One server with two workers for all tests of this folder; a fresh organization for each."""

from collections.abc import Iterator

import httpx2
import pytest

from dragoman.authz.check import operator
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.principal import Role
from dragoman.registry.keys import KeyDraft, NewKey, add_key
from dragoman.storage.unit_of_work import SqlStore
from tests.dialects.anam.tenants import Tenant, clock, with_store
from tests.running import RunningDragoman


@pytest.fixture(scope="session")
def dragoman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    """Run Dragoman as it is shipped."""
    with RunningDragoman.start(tmp_path_factory.mktemp("own") / "data", workers=2) as running:
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


@pytest.fixture
def other(dragoman: RunningDragoman) -> Iterator[Tenant]:
    """Make another organization."""
    with Tenant(dragoman) as tenant:
        yield tenant


@pytest.fixture(scope="session")
def operators_key(dragoman: RunningDragoman) -> NewKey:
    """Make an admin key of the platform organization, which operates the installation."""

    async def create(store: SqlStore) -> NewKey:
        draft = KeyDraft(name="operator", role=Role.ADMIN)
        async with store.writing() as work:
            return await add_key(work, clock, operator(), PLATFORM_ORGANIZATION_ID, draft)

    return with_store(dragoman, create)


@pytest.fixture
def operators(tenant: Tenant, operators_key: NewKey) -> httpx2.Client:
    """Give the client of an operator."""
    return tenant.client_of(operators_key)
