"""The names of organizations, of which a tenant may learn no other one's."""

import pytest

from dragoman.authz.check import operator
from dragoman.domain.errors import Forbidden
from tests.registry.installation import Installation


@pytest.mark.parametrize("name", ["nobody's", "another tenant"])
async def test_a_tenant_does_not_learn_by_renaming_itself_which_other_tenants_there_are(
    name: str, installation: Installation
) -> None:
    who = await installation.acting()
    await installation.organizations.create(operator(), "another tenant")
    with pytest.raises(Forbidden):
        await installation.organizations.rename(who, who.organization_id, name)
