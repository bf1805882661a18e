"""Secrets stay where they were registered, and come out nowhere."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.tenants import Tenant
from tests.dialects.goodmem.registrations import (
    LLMS,
    created,
    credentials,
    error,
    invalid,
    shown,
)

CANARY = "sk-canary-goodmem-6d1f"


MOVES: list[dict[str, Any]] = [
    {"endpointUrl": "https://evil.example/v1"},
    {"endpointUrl": "http://api.openai.com/v1"},
    {"endpointUrl": "https://api.openai.com:8443/v1"},
    {"endpointUrl": "https://evil.example/v1", "credentials": None},
]


@pytest.mark.parametrize("body", MOVES, ids=str)
def test_an_origin_that_changes_needs_the_secret_again(
    admin: httpx2.Client, body: dict[str, Any]
) -> None:
    before = created(admin)
    path = f"{LLMS}/{before['llmId']}"
    said = error(admin.put(path, json=body), 400, "SECRET_REQUIRED")
    assert said.startswith("credentials: ")
    assert shown(admin.get(path)) == before
    if not body["endpointUrl"].startswith("http:"):
        shown(admin.put(path, json=body | {"credentials": credentials()}))


def test_another_path_or_model_at_the_same_origin_needs_no_secret(admin: httpx2.Client) -> None:
    path = f"{LLMS}/{created(admin)['llmId']}"
    body = {"endpointUrl": "https://API.openai.com:443/v2/", "apiPath": "x", "modelIdentifier": "m"}
    assert shown(admin.put(path, json=body))["apiPath"] == "/x"


def test_where_nothing_is_stored_nothing_is_needed(admin: httpx2.Client) -> None:
    path = f"{LLMS}/{created(admin, credentials=None)['llmId']}"
    shown(admin.put(path, json={"endpointUrl": "https://other.example/v1"}))


def test_no_answer_shows_a_secret_and_no_file_holds_it(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    brought = credentials(inlineSecret=CANARY, headerName="X-Key")
    answers = [admin.post(LLMS, json={"displayName": "", "credentials": brought})]
    llm = created(admin, credentials=brought)
    path = f"{LLMS}/{llm['llmId']}"
    again = {"credentials": credentials(inlineSecret=f"{CANARY}-2")}
    answers += [
        admin.get(path),
        admin.get(LLMS),
        admin.put(path, json=again),
        admin.get(path, params={"includeCredentials": "true"}),
        admin.put(path, json={"maxContextLength": CANARY, "supportedModalities": [CANARY]}),
        admin.put(path, json={"providerType": CANARY, "endpointUrl": CANARY}),
        admin.put(path, json={"credentials": {"kind": CANARY}}),
        admin.put(path, json={"credentials": CANARY, "labels": CANARY, "replaceLabels": CANARY}),
        admin.put(path, json={"credentials": credentials(headerName=f"{CANARY} x")}),
        admin.put(path, json={"credentials": credentials(secretRef={"uri": CANARY})}),
        admin.put(path, json={"mergeLabels": {f"{CANARY} ": "x"}}),
        admin.get(LLMS, params={"ownerId": CANARY, "providerType": CANARY}),
        admin.get(LLMS, params={"providerType": CANARY}),
        admin.get(LLMS, params={"label": CANARY}),
        admin.get(LLMS, params={f"label.{CANARY} ": "x"}),
        admin.get(path, params={"includeCredentials": CANARY}),
        admin.get(f"{LLMS}/{CANARY}"),
    ]
    assert all(CANARY not in answer.text + str(answer.headers.raw) for answer in answers)
    assert CANARY not in tenant.dragoman.log + tenant.dragoman.output
    for file in tenant.dragoman.data_dir.iterdir():
        assert CANARY.encode() not in file.read_bytes()


# --- What is stored of a credential ---------------------------------------------------------------


def test_credentials_are_shown_to_nobody_whom_no_role_allows_it(
    tenant: Tenant, admin: httpx2.Client, llms: str
) -> None:
    path = f"{llms}/{created(admin, llms)['llmId']}"
    for spelling in ("includeCredentials", "include_credentials"):
        said = error(admin.get(path, params={spelling: "true"}), 403, "PERMISSION_DENIED")
        assert said.endswith("What is missing is READ_LLM_CREDENTIALS_OWN.")
        assert "credentials" not in shown(admin.get(path, params={spelling: "false"}))


@pytest.mark.parametrize(
    "query", ["includeCredentials=x", "includeCredentials=true&include_credentials=true"]
)
def test_a_query_that_says_nothing_or_two_things_is_refused(
    admin: httpx2.Client, query: str
) -> None:
    path = f"{LLMS}/{created(admin)['llmId']}"
    assert invalid(admin.get(f"{path}?{query}")) == ["includeCredentials"]
