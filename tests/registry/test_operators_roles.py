"""In the platform's organization only administrators mean anything."""

import pytest

from dragoman.authz.check import operator
from dragoman.domain.errors import Invalid
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.principal import Organization, Role
from tests.registry.installation import Installation


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER, Role.CALLER])
async def test_an_operator_is_not_made_into_somebody_who_may_do_nothing(
    installation: Installation, role: Role
) -> None:
    of = PLATFORM_ORGANIZATION_ID
    async with installation.store.writing() as work:
        await work.principals.add_organization(Organization(of, "platform", 0))
    made = await installation.principals.create(operator(), "ada", Role.ADMIN, of)
    with pytest.raises(Invalid, match="use admin"):
        await installation.principals.update(operator(), made.id, role=role, organization_id=of)
    assert await installation.principals.get(operator(), made.id, of) == made
