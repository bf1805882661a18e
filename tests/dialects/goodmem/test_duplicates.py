"""One owner registers one connection once."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.tenants import Tenant
from tests.dialects.goodmem.registrations import (
    LLMS,
    an_llm,
    client,
    created,
    credentials,
    error,
    shown,
)
from tests.running import registration

SAME: list[dict[str, Any]] = [
    {},
    {"displayName": "another name", "description": "x", "labels": {"a": "b"}},
    {"apiPath": "/chat/completions"},
    {"endpointUrl": "HTTPS://API.OpenAI.com:443/v1/"},
    {"credentials": credentials(headerName="Authorization")},
    {"credentials": credentials(headerName="authorization", prefix="Bearer ")},
    {"credentials": credentials() | {"labels": {"a": "b"}}},
]

OTHERS: list[dict[str, Any]] = [
    {"modelIdentifier": "GPT-5-nano"},
    {"endpointUrl": "https://api.openai.com/V1"},
    {"apiPath": "/responses"},
    {"providerType": "LITELLM_PROXY"},
    {"credentials": None},
    {"credentials": credentials(inlineSecret="sk-two")},
    {"credentials": credentials(prefix="")},
    {"credentials": credentials(headerName="X-Key")},
]


@pytest.mark.parametrize("members", SAME, ids=str)
def test_the_same_connection_is_refused(
    admin: httpx2.Client, llms: str, members: dict[str, Any]
) -> None:
    first = created(admin, llms)
    said = error(admin.post(llms, json=an_llm(**members)), 409, "ALREADY_EXISTS")
    assert first["llmId"] in said
    assert shown(admin.get(llms)) == {"llms": [first]}


@pytest.mark.parametrize("members", OTHERS, ids=str)
def test_another_connection_is_not(admin: httpx2.Client, members: dict[str, Any]) -> None:
    created(admin)
    created(admin, **members)


def test_an_update_into_another_ones_connection_is_refused(admin: httpx2.Client) -> None:
    first = created(admin)
    second = created(admin, modelIdentifier="other")
    path = f"{LLMS}/{second['llmId']}"
    body = {"modelIdentifier": first["modelIdentifier"]}
    error(admin.put(path, json=body), 409, "ALREADY_EXISTS")
    assert shown(admin.get(path)) == second
    assert admin.delete(f"{LLMS}/{first['llmId']}").status_code == 204
    shown(admin.put(path, json=body))


def test_what_anam_registered_counts_too(admin: httpx2.Client) -> None:
    body = registration("https://api.openai.com/v1/chat/completions", modelName="gpt-5-nano")
    shown(admin.post("/anam/v1/llms", json=body | {"secret": "sk-one"}), 201)
    error(admin.post(LLMS, json=an_llm()), 409, "ALREADY_EXISTS")
    error(admin.post(LLMS, json=an_llm(providerType="VLLM")), 409, "ALREADY_EXISTS")


def test_nothing_is_learned_about_other_owners(tenant: Tenant, admin: httpx2.Client) -> None:
    theirs = created(admin)
    with (
        Tenant(tenant.dragoman) as other,
        client(tenant.dragoman, tenant.keys["editor"]) as editor,
        client(tenant.dragoman, other.keys["admin"]) as stranger,
    ):
        created(editor)
        created(stranger)
        created(stranger, modelIdentifier="m", llmId=theirs["llmId"])
    said = error(
        admin.post(LLMS, json=an_llm(modelIdentifier="m", llmId=theirs["llmId"])),
        409,
        "ALREADY_EXISTS",
    )
    assert said == "There is an LLM with this id already."
