"""Credentials of each kind: how they are asked for, shown, changed and refused."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.tenants import Tenant
from tests.dialects.dragoman.answers import LLMS, errors, shown
from tests.dialects.dragoman.registrations import a_credential, an_llm, writable

KEY, OTHER = "env://TEAM_KEY", "env://OTHER_TEAM_KEY"
ONE, TWO = "https://one.example", "https://two.example"
GOOGLE = "https://europe-west4-aiplatform.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@pytest.fixture
def admin(tenant: Tenant) -> httpx2.Client:
    """Give the client of an admin to whom some secrets of the operator are granted."""
    tenant.grant(KEY, ONE)
    tenant.grant(OTHER, ONE)
    tenant.grant("google-adc")
    return tenant.client()


def asked(credential: Any, url: str = ONE, **members: Any) -> dict[str, Any]:
    return an_llm(credential=credential, endpoints=[{"url": f"{url}/v1"}], **members)


def at_google(credential: Any, **members: Any) -> dict[str, Any]:
    return asked(credential, GOOGLE, protocol="vertex_ai", **members)


REFERENCE = a_credential("secret_reference", reference=KEY, hints={})
ADC = a_credential("google_adc", scopes=[])


@pytest.mark.parametrize(
    ("body", "credential"),
    [
        (asked({"reference": KEY}), REFERENCE),
        (asked({"kind": "secret_reference", "reference": KEY}), REFERENCE),
        (
            asked(
                {
                    "kind": None,
                    "reference": KEY,
                    "hints": {"version": "3", "no": None},
                    "scopes": None,
                    "labels": {"team": "a", "none": None},
                    "header": "x-key",
                }
            ),
            REFERENCE
            | {"hints": {"version": "3"}, "labels": {"team": "a"}, "header": "x-key", "prefix": ""},
        ),
        (
            asked({"reference": KEY}, protocol="anthropic"),
            REFERENCE | {"header": "x-api-key", "prefix": ""},
        ),
        (asked({"secret": "sk-1", "labels": {"a": "b"}}), a_credential(labels={"a": "b"})),
        (at_google({"kind": "google_adc"}), ADC),
        (at_google({"scopes": [SCOPE]}), ADC | {"scopes": [SCOPE]}),
        (at_google({"quota_project_id": "p-1"}), ADC | {"quota_project_id": "p-1"}),
        (asked({"kind": "google_adc"}, GOOGLE, protocol="gemini"), ADC),
    ],
)
def test_a_credential_is_shown_as_it_was_asked_for_and_without_its_secret(
    admin: httpx2.Client, body: dict[str, Any], credential: dict[str, Any]
) -> None:
    created = admin.post(LLMS, json=body)
    llm = shown(created, 201)
    assert llm["credential"] == credential
    path = f"{LLMS}/{llm['id']}"
    assert admin.get(path).content == created.content
    assert admin.patch(path, json=writable(llm)).content == created.content
    assert admin.patch(path, json={"credential": llm["credential"]}).content == created.content


@pytest.mark.parametrize(
    ("patch", "credential"),
    [
        ({}, REFERENCE | {"hints": {"a": "1"}, "labels": {"b": "2"}}),
        ({"reference": OTHER}, {"reference": OTHER, "hints": {"a": "1"}, "labels": {"b": "2"}}),
        ({"hints": {"c": "3"}}, {"reference": KEY, "hints": {"a": "1", "c": "3"}}),
        ({"hints": {"a": None}}, {"hints": {}}),
        ({"hints": None}, {"hints": {}}),
        ({"labels": {"b": None, "d": "4"}}, {"labels": {"d": "4"}, "reference": KEY}),
        ({"labels": None}, {"labels": {}, "hints": {"a": "1"}}),
        ({"header": "x-key"}, {"header": "x-key", "prefix": "", "reference": KEY}),
        ({"secret": "sk-2"}, a_credential(labels={"b": "2"})),
        ({"kind": "api_key", "secret": "sk-2"}, a_credential(labels={"b": "2"})),
        ({"kind": "secret_reference"}, {"reference": KEY, "hints": {"a": "1"}}),
    ],
)
def test_a_patch_merges_into_what_is_stored_and_a_kind_goes_as_a_whole(
    admin: httpx2.Client, patch: dict[str, Any], credential: dict[str, Any]
) -> None:
    body = asked({"reference": KEY, "hints": {"a": "1"}, "labels": {"b": "2"}})
    path = f"{LLMS}/{shown(admin.post(LLMS, json=body), 201)['id']}"
    patched = shown(admin.patch(path, json={"credential": patch}))
    assert {name: patched["credential"][name] for name in credential} == credential
    assert shown(admin.get(path)) == patched


def test_a_kind_changes_where_the_operator_grants_it_and_back(admin: httpx2.Client) -> None:
    llm = shown(admin.post(LLMS, json=at_google({"secret": "sk-1", "labels": {"a": "b"}})), 201)
    path = f"{LLMS}/{llm['id']}"
    labels = {"labels": {"a": "b"}}
    for patch, credential in (
        ({"kind": "google_adc", "scopes": [SCOPE]}, ADC | {"scopes": [SCOPE]} | labels),
        ({"quota_project_id": "p-1"}, {"scopes": [SCOPE], "quota_project_id": "p-1"}),
        ({"scopes": None}, {"scopes": [], "quota_project_id": "p-1"}),
        ({"secret": "sk-2"}, a_credential() | labels),
        (None, None),
    ):
        found = shown(admin.patch(path, json={"credential": patch}))["credential"]
        assert found == credential or {name: found[name] for name in credential or ()} == credential


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (asked({"kind": "secret_reference"}), ("credential.reference", "missing")),
        (asked({"kind": "secret_reference", "reference": ""}), ("credential.reference", "missing")),
        (asked({"kind": "api_key"}), ("credential.secret", "secret_required")),
        (asked({"kind": "api_key", "reference": KEY}), ("credential", "conflict")),
        (asked({"secret": "sk-planted", "reference": KEY}), ("credential", "conflict")),
        (asked({"reference": KEY, "scopes": []}), ("credential", "conflict")),
        (asked({"kind": "google_adc", "hints": {}}), ("credential", "conflict")),
        (asked({"kind": "planted"}), ("credential.kind", "enum")),
        (asked({"reference": "sk-planted"}), ("credential.reference", "invalid_reference")),
        (
            asked({"reference": "env://DRAGOMAN_PLANTED"}),
            ("credential.reference", "not_granted"),
        ),
        (asked({"reference": "env://PLANTED"}), ("credential.reference", "not_granted")),
        (asked({"reference": KEY}, TWO), ("credential.reference", "not_granted")),
        (asked({"kind": "google_adc"}), ("endpoints.0.url", "not_google")),
        (at_google({"scopes": ["a planted scope"]}), ("credential", "invalid_google_adc")),
        (
            asked({"reference": KEY, "labels": {"": "planted"}}),
            ("credential.labels", "invalid_label"),
        ),
        (
            asked({"reference": KEY, "hints": {"": "planted"}}),
            ("credential.reference", "invalid_hints"),
        ),
    ],
)
def test_what_is_refused_is_named_and_not_repeated(
    admin: httpx2.Client, body: dict[str, Any], found: tuple[str, str]
) -> None:
    refused = admin.post(LLMS, json=body)
    assert errors(refused) == [found]
    assert "planted" not in refused.text.lower()


def test_a_patch_that_takes_a_lent_secret_elsewhere_is_refused(admin: httpx2.Client) -> None:
    llm = shown(admin.post(LLMS, json=asked({"reference": KEY})), 201)
    path = f"{LLMS}/{llm['id']}"
    for patch, found in (
        ({"endpoints": [{"url": f"{TWO}/v1"}]}, ("credential", "not_granted")),
        ({"credential": {"reference": "env://PLANTED"}}, ("credential.reference", "not_granted")),
        ({"credential": {"kind": "google_adc"}}, ("endpoints.0.url", "not_google")),
        ({"credential": {"kind": "api_key"}}, ("credential.secret", "secret_required")),
        ({"credential": {"reference": None}}, ("credential.reference", "missing")),
    ):
        assert errors(admin.patch(path, json=patch)) == [found]
    assert shown(admin.get(path)) == llm
    moved = {"endpoints": [{"url": f"{TWO}/v1"}], "credential": {"secret": "sk-own"}}
    assert shown(admin.patch(path, json=moved))["credential"] == a_credential()


def test_without_the_grant_an_llm_stays_and_reads_the_same(tenant: Tenant) -> None:
    grant = tenant.grant(KEY, ONE)
    admin = tenant.client()
    created = admin.post(LLMS, json=asked({"reference": KEY}))
    path = f"{LLMS}/{shown(created, 201)['id']}"
    taken = tenant.dragoman.cli("grant", "remove", grant)
    assert "1 LLM used it and cannot be called now: " in taken.stdout
    assert admin.get(path).content == created.content
    assert admin.patch(path, json=writable(created.json())).content == created.content
    assert errors(admin.patch(path, json={"model": "n"})) == [("credential", "not_granted")]
