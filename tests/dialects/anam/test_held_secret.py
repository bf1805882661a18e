"""LLMs whose secret the operator holds, through an API that knows only secrets of one's own."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import problems, shown
from tests.dialects.anam.tenants import LLMS, Tenant

KEY, ONE, TWO = "env://TEAM_KEY", "https://one.example/v1", "https://two.example/v1"
OWN_API = "/api/v1/llms"
REFUSED = [("secret", "not_granted")]


@pytest.fixture
def llm_id(tenant: Tenant) -> str:
    """Register one whose secret is granted for one origin."""
    tenant.grant(KEY, "https://one.example")
    body = {
        "display_name": "lent",
        "protocol": "openai",
        "model": "tiny",
        "endpoints": [{"url": ONE}],
        "credential": {"reference": KEY},
    }
    created = tenant.client().post(OWN_API, json=body)
    assert created.status_code == 201, created.text
    return str(created.json()["id"])


def _credential(admin: httpx2.Client, llm_id: str) -> Any:
    return admin.get(f"{OWN_API}/{llm_id}").json()["credential"]


def test_it_is_shown_like_any_other_and_put_back_it_stays(
    admin: httpx2.Client, llm_id: str
) -> None:
    path = f"{LLMS}/{llm_id}"
    before = admin.get(path)
    body = {name: value for name, value in before.json().items() if value is not None}
    assert shown(admin.put(path, json=body)) == before.json()
    assert _credential(admin, llm_id)["reference"] == KEY


def test_its_secret_does_not_follow_a_url_that_is_not_granted(
    admin: httpx2.Client, llm_id: str
) -> None:
    path = f"{LLMS}/{llm_id}"
    before = admin.get(path).content
    for urls in ([{"url": TWO}], [{"url": ONE}, {"url": TWO}]):
        refused = admin.put(path, json={"urls": urls})
        assert problems(refused) == REFUSED
    assert admin.get(path).content == before
    assert admin.put(path, json={"urls": [{"url": f"{ONE}/other"}]}).status_code == 200
    assert _credential(admin, llm_id)["reference"] == KEY


def test_a_secret_of_its_own_takes_its_place_and_may_go_anywhere(
    admin: httpx2.Client, llm_id: str
) -> None:
    body = {"urls": [{"url": TWO}], "secret": "sk-own"}
    assert admin.put(f"{LLMS}/{llm_id}", json=body).status_code == 200
    assert _credential(admin, llm_id)["kind"] == "api_key"
    assert _credential(admin, llm_id)["reference"] is None
