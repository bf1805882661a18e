"""A header goes out once: as the credential, or as an extra header."""

import pytest

from dragoman.domain.credential import Placement
from dragoman.domain.errors import Invalid
from dragoman.registry.asked import AskedCredential, Draft, Edit
from dragoman.vault.secret import Secret
from tests.registry.installation import Installation, a_configuration, a_draft, an_edit

IN_X_KEY = AskedCredential(Secret("sk-canary-77"), Placement("X-Key"))
EXTRA = {"x-Key": Secret("a value")}


async def test_a_new_llm_does_not_send_one_header_twice(installation: Installation) -> None:
    who = await installation.acting()
    draft = Draft(configuration=a_configuration(), credential=IN_X_KEY, headers=EXTRA)
    with pytest.raises(Invalid, match="extra header of this LLM too"):
        await installation.llms.create(who, draft)
    assert installation.count("llms") == installation.count("llm_secrets") == 0


async def test_neither_a_moved_credential_nor_a_new_extra_header_comes_to_lie_on_the_other(
    installation: Installation,
) -> None:
    who = await installation.acting()
    with_extra = await installation.llms.create(who, a_draft(secret="sk-1", headers=EXTRA))
    with_credential = await installation.llms.create(who, a_draft())
    to_x_key = Edit(credential=IN_X_KEY)
    await installation.llms.update(who, with_credential.id, to_x_key)
    before = installation.rows("SELECT * FROM llm_secrets ORDER BY llm_id, field")
    for llm, edit in ((with_extra, to_x_key), (with_credential, an_edit(headers=EXTRA))):
        with pytest.raises(Invalid, match="extra header of this LLM too"):
            await installation.llms.update(who, llm.id, edit)
    assert installation.rows("SELECT * FROM llm_secrets ORDER BY llm_id, field") == before


async def test_the_credential_may_take_the_place_of_an_extra_header_that_goes(
    installation: Installation,
) -> None:
    who = await installation.acting()
    llm = await installation.llms.create(who, a_draft(secret="sk-1", headers=EXTRA))
    edit = Edit(credential=IN_X_KEY, headers={"X-KEY": None})
    changed = await installation.llms.update(who, llm.id, edit)
    assert changed.headers == ()
    assert installation.opened(changed) == "sk-canary-77"


@pytest.mark.parametrize("name", ["sk-canary-0a1b2c", "x" * 60])
async def test_what_may_be_a_secret_in_the_place_of_a_headers_name_is_not_repeated(
    installation: Installation, name: str
) -> None:
    who = await installation.acting()
    with pytest.raises(Invalid) as refused:
        await installation.llms.create(who, a_draft(headers={name: Secret("x-title ")}))
    assert [problem.path for problem in refused.value.problems] == [("headers",)]
    with pytest.raises(Invalid) as refused:
        await installation.llms.create(who, a_draft(headers={"x-title": Secret("a value ")}))
    assert [problem.path for problem in refused.value.problems] == [("headers", "x-title")]
