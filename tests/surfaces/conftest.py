"""One server with two workers for all tests of this folder."""

from collections.abc import Iterator

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
    with RunningDragoman.start(tmp_path_factory.mktemp("surfaces") / "data", workers=2) as running:
        yield running


@pytest.fixture
def keys(dragoman: RunningDragoman) -> Iterator[dict[str, NewKey]]:
    """Make a key of each role in an organization that no other test knows, and an operator's."""

    async def create(store: SqlStore) -> NewKey:
        draft = KeyDraft(name="operator", role=Role.ADMIN)
        async with store.writing() as work:
            return await add_key(work, clock, operator(), PLATFORM_ORGANIZATION_ID, draft)

    with Tenant(dragoman) as tenant:
        yield tenant.keys | {"operator": with_store(dragoman, create)}
