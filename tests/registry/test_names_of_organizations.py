"""The names of organizations, of which a tenant may learn no other one's."""

import pytest

from dragoman.authz.check import operator
from dragoman.domain.errors import DragomanError
from tests.registry.installation import Installation


@pytest.mark.xfail(
    strict=True,
    reason="names are unique for the operator's commands, and a tenant's administrator may rename",
)
async def test_a_tenant_does_not_learn_by_renaming_itself_which_other_tenants_there_are(
    installation: Installation,
) -> None:
    who = await installation.acting()
    await installation.organizations.create(operator(), "another tenant")
    answers = []
    for name in ("nobody's", "another tenant"):
        try:
            await installation.organizations.rename(who, who.organization_id, name)
            answers.append("renamed")
        except DragomanError as error:
            answers.append(error.code)
    assert len(set(answers)) == 1
