"""What tests of the sources share: a clock, an installation, and ways out to this machine."""

from pathlib import Path

import pytest

from dragoman.upstream.pool import HttpPool
from tests.gateway.conftest import installation
from tests.registry.installation import SetClock
from tests.upstream.calling import MakePool
from tests.upstream.conftest import bundle, ca, make_pool, pool

__all__ = ["bundle", "ca", "installation", "make_pool", "pool"]


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def trusting(bundle: Path, make_pool: MakePool) -> HttpPool:
    """Give a way out that trusts the operator's authority."""
    return make_pool(ca_bundle=bundle)
