"""One LLM from its registration to its end."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.tenants import Tenant
from tests.dialects.goodmem.registrations import (
    LLMS,
    OPENAI,
    SOME_ID,
    an_llm,
    created,
    credentials,
    error,
    invalid,
    shown,
)

EVERYTHING: dict[str, Any] = {
    "description": "For search",
    "apiPath": "/responses",
    "supportedModalities": ["TEXT", "AUDIO"],
    "labels": {"env": "prod"},
    "version": "1.0",
    "monitoringEndpoint": "https://monitoring.example/status",
    "capabilities": {
        "supportsChat": True,
        "supportsCompletion": False,
        "supportsFunctionCalling": True,
        "supportsSystemMessages": True,
        "supportsStreaming": False,
        "supportsSamplingParameters": True,
    },
    "defaultSamplingParams": {
        "maxTokens": 2048,
        "temperature": 0.7,
        "topP": 0.9,
        "topK": 50,
        "frequencyPenalty": 0.0,
        "presencePenalty": -1.5,
        "stopSequences": ["\n\n", "END"],
    },
    "maxContextLength": 32768,
    "clientConfig": {"a": {"b": [1, None, "c"]}, "d": 1.5},
    "llmId": "0C000000-0000-4000-8000-00000000000F",
}


def test_a_new_llm_is_shown_as_it_was_registered(
    tenant: Tenant, admin: httpx2.Client, llms: str
) -> None:
    answer = shown(admin.post(llms, json=an_llm(**EVERYTHING)), 201)
    owner = tenant.keys["admin"].principal.id
    llm = answer["llm"]
    assert answer == {"llm": llm, "statuses": []}
    moment = llm["createdAt"]
    assert isinstance(moment, int)
    expected = an_llm(**EVERYTHING) | {
        "llmId": "0c000000-0000-4000-8000-00000000000f",
        "ownerId": owner,
        "createdById": owner,
        "updatedById": owner,
        "createdAt": moment,
        "updatedAt": moment,
    }
    del expected["credentials"]
    assert llm == expected
    assert shown(admin.get(f"{llms}/{llm['llmId']}")) == llm
    assert shown(admin.get(f"{llms}/{llm['llmId'].upper()}")) == llm
    assert shown(admin.get(llms)) == {"llms": [llm]}


def test_the_least_that_can_be_registered_has_defaults_and_tells_what_was_inferred(
    admin: httpx2.Client,
) -> None:
    body = {
        "displayName": "x",
        "providerType": "OLLAMA",
        "endpointUrl": "http://127.0.0.1:11434/v1",
        "modelIdentifier": "gpt-5-nano",
    }
    answer = shown(admin.post(LLMS, json=body), 201)
    assert (
        answer["llm"].items()
        >= {
            **body,
            "apiPath": "/chat/completions",
            "supportedModalities": ["TEXT", "IMAGE"],
            "labels": {},
            "maxContextLength": 400_000,
            "defaultSamplingParams": None,
            "clientConfig": None,
            "description": None,
        }.items()
    )
    assert answer["llm"]["capabilities"]["supportsSamplingParameters"] is False
    assert {status["code"] for status in answer["statuses"]} == {"LLM_CAPABILITY_INFERRED"}
    assert len(answer["statuses"]) == 8


REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"displayName": ""}, ["displayName"]),
    ({"displayName": " "}, ["displayName"]),
    ({"displayName": "x" * 256}, ["displayName"]),
    ({"displayName": None}, ["displayName"]),
    ({"providerType": "openai"}, ["providerType"]),
    ({"endpointUrl": "api.openai.com"}, ["endpointUrl"]),
    ({"endpointUrl": f"{OPENAI}?a=b"}, ["endpointUrl"]),
    ({"endpointUrl": "http://169.254.169.254"}, ["endpointUrl"]),
    ({"endpointUrl": ""}, ["endpointUrl"]),
    ({"apiPath": "/x#y"}, ["endpointUrl"]),
    ({"modelIdentifier": ""}, ["modelIdentifier"]),
    ({"supportedModalities": ["SMELL"]}, ["supportedModalities.0"]),
    ({"labels": {str(number): "x" for number in range(21)}}, ["labels"]),
    ({"labels": {"a b": "x"}}, ["labels"]),
    ({"maxContextLength": 0}, ["maxContextLength"]),
    ({"maxContextLength": 2**31}, ["maxContextLength"]),
    ({"clientConfig": {"a": "x" * 70_000}}, ["clientConfig"]),
    ({"dashscopeApiDialect": "LLM_NATIVE_TEXT"}, ["dashscopeApiDialect"]),
    ({"ownerId": "me"}, ["ownerId"]),
    ({"ownerId": SOME_ID}, ["ownerId"]),
    ({"llmId": "mine"}, ["llmId"]),
    ({"credentials": {}}, ["credentials.kind"]),
    ({"credentials": {"kind": "CREDENTIAL_KIND_API_KEY"}}, ["credentials"]),
    ({"credentials": credentials() | {"gcpAdc": {}}}, ["credentials"]),
    ({"credentials": credentials() | {"kind": "CREDENTIAL_KIND_GCP_ADC"}}, ["credentials"]),
    ({"credentials": credentials() | {"kind": "CREDENTIAL_KIND_UNSPECIFIED"}}, ["credentials"]),
    ({"credentials": credentials(inlineSecret=None)}, ["credentials.apiKey"]),
    (
        {"credentials": {"kind": "CREDENTIAL_KIND_API_KEY", "apiKey": {"headerName": "X"}}},
        ["credentials.apiKey"],
    ),
    (
        {"credentials": credentials(secretRef={"uri": "env://A"}, inlineSecret="sk")},
        ["credentials.apiKey"],
    ),
    ({"credentials": credentials(inlineSecret="")}, ["credentials.apiKey.inlineSecret"]),
    ({"credentials": credentials(inlineSecret="****")}, ["credentials.apiKey.inlineSecret"]),
    ({"credentials": credentials(inlineSecret="Bearer x")}, ["credentials.apiKey.inlineSecret"]),
    ({"credentials": credentials(headerName="")}, ["credentials.apiKey.headerName"]),
    ({"credentials": credentials(headerName="Cookie")}, ["credentials.apiKey.headerName"]),
    ({"credentials": credentials(headerName="Host")}, ["credentials.apiKey.headerName"]),
    ({"credentials": credentials(prefix="a\nb")}, ["credentials.apiKey.prefix"]),
    ({"credentials": credentials(secretRef={"uri": "x"})}, ["credentials.apiKey.secretRef"]),
    ({"credentials": credentials(secretRef={"uri": "env://A"})}, ["credentials.apiKey.secretRef"]),
    (
        {"credentials": credentials() | {"labels": {str(n): "x" for n in range(21)}}},
        ["credentials.labels"],
    ),
    (
        {
            "endpointUrl": "https://aiplatform.googleapis.com",
            "credentials": {"kind": "CREDENTIAL_KIND_GCP_ADC", "gcpAdc": {}},
        },
        ["credentials.gcpAdc"],
    ),
    ({"credentials": {"kind": "CREDENTIAL_KIND_GCP_ADC", "gcpAdc": {}}}, ["endpointUrl"]),
    ({"defaultSamplingParams": {"temperature": 2.1}}, ["defaultSamplingParams.temperature"]),
    ({"defaultSamplingParams": {"topP": "1.1"}}, ["defaultSamplingParams.topP"]),
    ({"defaultSamplingParams": {"maxTokens": 0}}, ["defaultSamplingParams.maxTokens"]),
    ({"defaultSamplingParams": {"topK": 0}}, ["defaultSamplingParams.topK"]),
    (
        {"defaultSamplingParams": {"frequencyPenalty": 3, "presencePenalty": -3}},
        ["defaultSamplingParams.frequencyPenalty", "defaultSamplingParams.presencePenalty"],
    ),
    (
        {"defaultSamplingParams": {"stopSequences": ["x"] * 11}},
        ["defaultSamplingParams.stopSequences"],
    ),
    ({"displayName": 1, "maxContextLength": "many"}, ["maxContextLength", "displayName"]),
]


@pytest.mark.parametrize(("members", "names"), REFUSED, ids=[str(each)[:60] for each, _ in REFUSED])
def test_what_cannot_be_registered_is_refused_by_the_names_of_the_members(
    admin: httpx2.Client, members: dict[str, Any], names: list[str]
) -> None:
    assert invalid(admin.post(LLMS, json=an_llm(**members))) == names
    assert shown(admin.get(LLMS)) == {"llms": []}


UPDATES_REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"displayName": ""}, ["displayName"]),
    ({"modelIdentifier": ""}, ["modelIdentifier"]),
    ({"providerType": "VLLM"}, ["providerType"]),
    ({"apiPath": "/\N{LATIN SMALL LETTER E WITH ACUTE}"}, ["apiPath"]),
    ({"endpointUrl": "ftp://a.example"}, ["endpointUrl"]),
    ({"replaceLabels": {}, "mergeLabels": {}}, ["mergeLabels"]),
    ({"mergeLabels": {str(number): "x" for number in range(21)}}, ["mergeLabels"]),
    ({"replaceLabels": {str(number): "x" for number in range(21)}}, ["replaceLabels"]),
    ({"credentials": {}}, ["credentials.kind"]),
    ({"credentials": {"kind": "CREDENTIAL_KIND_UNSPECIFIED"}}, ["credentials"]),
    ({"credentials": credentials(inlineSecret="****")}, ["credentials.apiKey.inlineSecret"]),
    ({"dashscopeApiDialect": "LLM_NATIVE_TEXT"}, ["dashscopeApiDialect"]),
    (
        {"defaultSamplingParams": {"stopSequences": ["x" * 101]}},
        ["defaultSamplingParams.stopSequences"],
    ),
]


@pytest.mark.parametrize(
    ("members", "names"), UPDATES_REFUSED, ids=[str(each)[:60] for each, _ in UPDATES_REFUSED]
)
def test_an_update_that_cannot_be_made_is_refused_by_the_names_of_the_members(
    admin: httpx2.Client, members: dict[str, Any], names: list[str]
) -> None:
    before = created(admin)
    path = f"{LLMS}/{before['llmId']}"
    assert invalid(admin.put(path, json=members)) == names
    assert shown(admin.get(path)) == before


def test_an_update_changes_what_it_names_and_says_when_and_who(
    tenant: Tenant, admin: httpx2.Client, llms: str
) -> None:
    before = created(admin, llms)
    path = f"{llms}/{before['llmId']}"
    after = shown(admin.put(path, json={"displayName": "two", "mergeLabels": {"a": "b"}}))
    changed = {"displayName": "two", "labels": {"a": "b"}, "updatedAt": after["updatedAt"]}
    assert after == before | changed
    assert after["updatedAt"] >= before["createdAt"]
    assert shown(admin.get(path)) == after
    assert [row.members for row in tenant.audit()][1:] == [("display_name", "labels")]


@pytest.mark.parametrize("body", [{}, {"supportedModalities": []}, {"credentials": None}])
def test_an_update_that_says_nothing_leaves_no_trace(
    tenant: Tenant, admin: httpx2.Client, body: dict[str, Any]
) -> None:
    before = created(admin)
    path = f"{LLMS}/{before['llmId']}"
    assert shown(admin.put(path, json=body)) == before
    assert shown(admin.put(path, json=before | body)) == before
    assert len(tenant.audit()) == 1


def test_what_is_deleted_is_gone(tenant: Tenant, admin: httpx2.Client, llms: str) -> None:
    path = f"{llms}/{created(admin, llms)['llmId']}"
    deleted = admin.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for answer in (admin.get(path), admin.put(path, json={}), admin.delete(path)):
        error(answer, 404, "NOT_FOUND")
    assert [row.action for row in tenant.audit()] == ["llm.create", "llm.delete"]


# --- The same LLM through other dialects ---------------------------------------------------------


def test_an_llm_is_the_same_in_every_dialect(admin: httpx2.Client) -> None:
    llm = created(admin, providerType="DASHSCOPE", dashscopeApiDialect="LLM_NATIVE_TEXT")
    anams = shown(admin.get(f"/anam/v1/llms/{llm['llmId']}"))
    assert anams["urls"] == [{"url": f"{OPENAI}/chat/completions"}]
    assert (anams["llmFormat"], anams["modelName"]) == ("custom", "gpt-5-nano")
    own = shown(admin.get(f"/api/v1/llms/{llm['llmId']}"))
    assert (own["provider"], own["protocol"]) == ("dashscope", "dashscope_text")


def test_an_update_keeps_what_this_dialect_cannot_say(admin: httpx2.Client) -> None:
    body = {
        "displayName": "Anam's",
        "llmFormat": "azure_openai",
        "modelName": "gpt-5",
        "deploymentName": "mine",
        "apiVersion": "2024-10-21",
        "displayTags": ["fast"],
        "urls": [
            {"url": "https://one.example/openai/v1/", "region": "eu"},
            {"url": "https://two.example", "region": "us"},
        ],
        "secret": "sk-one",
    }
    before = shown(admin.post("/anam/v1/llms", json=body), 201)
    one, theirs = f"{LLMS}/{before['id']}", f"/anam/v1/llms/{before['id']}"
    read = shown(admin.get(one))
    assert (read["endpointUrl"], read["apiPath"]) == ("https://one.example/openai", "/v1/")
    assert shown(admin.put(one, json=read)) == read
    assert shown(admin.get(theirs)) == before
    shown(admin.put(one, json={"apiPath": "/v2"}))
    after = shown(admin.get(theirs))
    urls = [{"url": "https://one.example/openai/v2", "region": "eu"}, before["urls"][1]]
    assert after == before | {"urls": urls, "updatedAt": after["updatedAt"]}
