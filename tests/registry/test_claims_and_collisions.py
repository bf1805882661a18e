"""A claim without any other change counts; a header never stands beside the credential's."""

import pytest

from dragoman.domain.credential import Placement
from dragoman.domain.errors import Conflict, Invalid
from dragoman.registry.asked import AskedCredential, Draft, Edit, Unique
from dragoman.vault.secret import Secret
from tests.registry.installation import Installation, a_configuration

HEADER = AskedCredential(Secret("sk-of-the-credential"), Placement.named("X-Key"))


async def test_a_claim_is_made_though_nothing_else_changes(installation: Installation) -> None:
    who = await installation.acting()
    llm = await installation.llms.create(who, Draft(configuration=a_configuration()))
    claim = Edit(unique=frozenset({Unique.NAME}))
    claimed = await installation.llms.update(who, llm.id, claim)
    assert claimed.exclusive_name == llm.configuration.display_name
    assert claimed.revision > llm.revision
    assert await installation.llms.update(who, llm.id, claim) == claimed


async def test_a_claim_that_another_one_excludes_is_refused_though_nothing_changes(
    installation: Installation,
) -> None:
    who = await installation.acting()
    twins = [
        await installation.llms.create(who, Draft(configuration=a_configuration()))
        for _ in range(2)
    ]
    for unique in Unique:
        with pytest.raises(Conflict):
            await installation.llms.update(who, twins[0].id, Edit(unique=frozenset({unique})))


@pytest.mark.parametrize("name", ["x-key", "X-KEY"])
async def test_an_extra_header_of_the_credentials_name_is_refused(
    name: str, installation: Installation
) -> None:
    who = await installation.acting()
    headers = {name: Secret("something else")}
    draft = Draft(configuration=a_configuration(), credential=HEADER, headers=headers)
    with pytest.raises(Invalid, match="credential already"):
        await installation.llms.create(who, draft)
    alone = await installation.llms.create(
        who, Draft(configuration=a_configuration(), credential=HEADER)
    )
    with pytest.raises(Invalid, match="credential already"):
        await installation.llms.update(who, alone.id, Edit(headers=headers))
    bare = await installation.llms.create(
        who, Draft(configuration=a_configuration(), headers=headers)
    )
    with pytest.raises(Invalid, match="credential already"):
        await installation.llms.update(who, bare.id, Edit(credential=HEADER))
