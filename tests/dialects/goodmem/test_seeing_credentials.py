"""What those see of a credential who may: where it goes, and never the secret.

No role holds that permission, so that here the routes are served to an actor who was given it.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from goodmem.models.llm_response import LLMResponse
from msgspec.structs import replace

from dragoman.authz.check import Actor
from dragoman.authz.policy import Action, Reach, permission
from dragoman.dialect.bodies import Bodies
from dragoman.dialect.control_plane import ControlPlane
from dragoman.dialects.goodmem.errors import render
from dragoman.dialects.goodmem.routes import application
from dragoman.domain.principal import Role
from tests.dialects.goodmem.registrations import an_llm, credentials, error, shown
from tests.fakes.authenticator import FakeAuthenticator
from tests.gateway.test_directory import platform_llm
from tests.registry.installation import Installation

LLMS = "/v1/llms"
ASKED = {"includeCredentials": "true"}


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    made = await Installation.make(tmp_path)
    yield made
    await made.database.close()


def serving(installation: Installation, who: Actor, *reaches: Reach) -> httpx2.AsyncClient:
    """Serve an actor who may see credentials, as far as these reach."""
    given = {permission(Action.READ_CREDENTIALS, reach) for reach in reaches}
    who = replace(who, permissions=who.permissions | given)
    nothing: Any = None
    authenticator: Any = FakeAuthenticator(who)
    plane: Any = ControlPlane(
        application(installation.llms, nothing),
        authenticator=authenticator,
        render=render,
        bodies=Bodies(1024 * 1024),
    )
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(plane), base_url="http://here")


async def registered(http: httpx2.AsyncClient, **members: Any) -> str:
    """Register an LLM, and give its path."""
    llm = shown(await http.post(LLMS, json=an_llm(**members)), 201)["llm"]
    return f"{LLMS}/{llm['llmId']}"


async def test_credentials_come_with_a_mask_in_place_of_the_secret(
    installation: Installation,
) -> None:
    async with serving(installation, await installation.acting(), Reach.OWN) as http:
        brought = credentials(headerName="X-Key", prefix="Key ") | {"labels": {"a": "b"}}
        path = await registered(http, credentials=brought)
        llm = shown(await http.get(path, params=ASKED))
        assert llm["credentials"] == {
            "kind": "CREDENTIAL_KIND_API_KEY",
            "apiKey": {"inlineSecret": "****", "headerName": "X-Key", "prefix": "Key "},
            "labels": {"a": "b"},
        }
        assert LLMResponse.model_validate(llm).credentials is not None
        assert "credentials" not in shown(await http.get(path))
        assert "credentials" not in shown(await http.get(LLMS))["llms"][0]
        refused = await http.put(path, json=llm)
        assert "is a mask" in error(refused, 400, "INVALID_ARGUMENT")


async def test_an_llm_without_a_credential_shows_none(installation: Installation) -> None:
    async with serving(installation, await installation.acting(), Reach.OWN) as http:
        path = await registered(http, credentials=None)
        assert "credentials" not in shown(await http.get(path, params=ASKED))


async def test_whose_credentials_are_shown_depends_on_the_permission(
    installation: Installation,
) -> None:
    admin, other = await installation.acting(), await installation.acting(Role.EDITOR)
    async with serving(installation, other) as http:
        path = await registered(http)
    missing = "What is missing is READ_LLM_CREDENTIALS_"
    async with serving(installation, other) as http:
        said = error(await http.get(path, params=ASKED), 403, "PERMISSION_DENIED")
        assert said.endswith(f"{missing}OWN.")
    async with serving(installation, admin, Reach.OWN) as http:
        said = error(await http.get(path, params=ASKED), 403, "PERMISSION_DENIED")
        assert said.endswith(f"{missing}ANY.")
    async with serving(installation, admin, Reach.ANY) as http:
        assert "credentials" in shown(await http.get(path, params=ASKED))


@pytest.mark.parametrize("reaches", [[], [Reach.OWN], [Reach.ANY]])
async def test_a_platform_llms_credentials_are_seen_by_nobody_whatever_they_hold(
    installation: Installation, reaches: list[Reach]
) -> None:
    llm = await platform_llm(installation, "shared")
    async with serving(installation, await installation.acting(), *reaches) as http:
        said = error(await http.get(f"{LLMS}/{llm.id}", params=ASKED), 403, "PERMISSION_DENIED")
    assert said == (
        "This is a default LLM of the platform; its credentials can be seen by nobody here."
    )
