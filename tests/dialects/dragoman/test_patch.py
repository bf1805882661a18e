"""Merge patches: what each one makes of an LLM, and of its secrets."""

from typing import Any

import httpx2
import msgspec
import pytest

from dragoman.domain.llm import Capability, Known, Provenance
from tests.dialects.anam.tenants import OPENAI_URL, Tenant, query
from tests.dialects.dragoman.answers import LLMS, errors, shown
from tests.dialects.dragoman.registrations import a_credential, an_llm


def _registered(admin: httpx2.Client, **members: Any) -> tuple[str, dict[str, Any]]:
    llm = shown(admin.post(LLMS, json=an_llm(**members)), 201)
    return f"{LLMS}/{llm['id']}", llm


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"description": "a"}, {"description": None}, None),
        ({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": None, "c": "3"}}, {"b": "2", "c": "3"}),
        ({"labels": {"a": "1"}}, {"labels": None}, {}),
        ({"metadata": {"a": {"b": 1, "c": 2}}}, {"metadata": {"a": {"b": None}}}, {"a": {"c": 2}}),
        ({"metadata": {"a": 1}}, {"metadata": {"a": {"b": None}}}, {"a": {}}),
        ({"metadata": {"a": None}}, {"metadata": {"a": None}}, {"a": None}),
        ({"metadata": {"a": [1, 2]}}, {"metadata": {"a": [None]}}, {"a": [None]}),
        ({"client_config": {"a": 1}}, {"client_config": None}, None),
        ({"client_config": {"a": 1}}, {"client_config": {}}, {"a": 1}),
        ({"tags": ["a", "b"]}, {"tags": ["b"]}, ["b"]),
        ({"tags": ["a"]}, {"tags": None}, []),
        ({"modalities": ["text"]}, {"modalities": None}, []),
        ({"enabled": False}, {"enabled": True}, True),
        (
            {"reasoning": {"effort": "low", "format": "raw"}},
            {"reasoning": {"effort": None}},
            {"effort": None, "format": "raw"},
        ),
        (
            {"capabilities": {"chat": True}},
            {"capabilities": {"chat": None, "streaming": False}},
            {"streaming": False},
        ),
    ],
)
def test_a_patch(
    admin: httpx2.Client, before: dict[str, Any], patch: dict[str, Any], after: Any
) -> None:
    path, llm = _registered(admin, **before)
    (name,) = patch
    patched = shown(admin.patch(path, json=patch))
    assert patched[name] == after
    changed = {each for each in llm if llm[each] != patched[each]}
    always = {"revision", "updated_at", "updated_by"}
    capabilities = {"capability_provenance"} if name == "capabilities" else set()
    assert changed - always - capabilities == ({name} if llm[name] != after else set())


def test_both_media_types_of_a_patch(admin: httpx2.Client) -> None:
    path, _ = _registered(admin)
    for media_type in ("application/json", "application/merge-patch+json; charset=utf-8"):
        headers = {"content-type": media_type}
        body = f'{{"model": "{len(media_type)}"}}'
        patched = shown(admin.patch(path, content=body, headers=headers))
        assert patched["model"] == str(len(media_type))


@pytest.mark.parametrize("member", ["display_name", "protocol", "endpoints", "model", "enabled"])
def test_what_may_not_be_empty_is_not_emptied(admin: httpx2.Client, member: str) -> None:
    path, llm = _registered(admin)
    ((found, _),) = errors(admin.patch(path, json={member: None}))
    assert found == member
    assert shown(admin.get(path)) == llm


def test_numbers_with_a_fraction_of_zero_are_whole(admin: httpx2.Client) -> None:
    path, llm = _registered(admin, sampling={"max_tokens": 100, "temperature": 1})
    same = {"sampling": {"max_tokens": 100.0, "temperature": 1.0}}
    assert shown(admin.patch(path, json=same)) == llm
    half = {"sampling": {"max_tokens": 100.5}}
    assert errors(admin.patch(path, json=half)) == [("sampling.max_tokens", "int_type")]


def test_capabilities_keep_how_they_came_to_be_known(tenant: Tenant, admin: httpx2.Client) -> None:
    path, llm = _registered(admin, capabilities={"chat": True})
    inferred = {
        Capability.CHAT: Known(supported=True, provenance=Provenance.PROBED),
        Capability.STREAMING: Known(supported=True, provenance=Provenance.INFERRED),
        Capability.COMPLETION: Known(supported=False, provenance=Provenance.INFERRED),
    }
    _store_capabilities(tenant, llm["id"], inferred)
    read = shown(admin.get(path))
    assert shown(admin.patch(path, json={"capabilities": read["capabilities"]})) == read
    patch = {"capabilities": {"chat": True, "streaming": False, "tool_calling": True}}
    assert shown(admin.patch(path, json=patch))["capability_provenance"] == {
        "chat": "probed",
        "completion": "inferred",
        "streaming": "declared",
        "tool_calling": "declared",
    }


def _store_capabilities(tenant: Tenant, llm_id: str, known: dict[Capability, Known]) -> None:
    query(
        tenant.dragoman,
        "UPDATE llms SET capabilities = ? WHERE id = ?",
        msgspec.json.encode(known).decode(),
        llm_id,
    )


def test_endpoints_that_read_the_same_stay_as_they_were_split(admin: httpx2.Client) -> None:
    split = {"base_url": "https://one.example", "path": "/v1/chat/completions"}
    path, llm = _registered(admin, endpoints=[split])
    url = {"url": "https://one.example/v1/chat/completions"}
    assert shown(admin.patch(path, json={"endpoints": [url]})) == llm
    assert shown(admin.patch(path, json={"endpoints": [split | url]})) == llm
    (elsewhere,) = shown(admin.patch(path, json={"endpoints": [url | {"region": "eu"}]}))[
        "endpoints"
    ]
    assert elsewhere["base_url"] == "https://one.example/v1"
    other_split = {"base_url": "https://one.example/v1/chat", "path": "/completions"}
    (found,) = shown(admin.patch(path, json={"endpoints": [other_split]}))["endpoints"]
    assert found["path"] == "/completions"


SECRETIVE: dict[str, Any] = {"credential": {"secret": "sk-1"}, "headers": {"x-a": "one"}}
ELSEWHERE = [{"url": "https://elsewhere.example/v1/chat/completions"}]
BEARER = a_credential()


@pytest.mark.parametrize(
    ("patch", "credential"),
    [
        ({"credential": {"secret": "sk-2"}}, BEARER),
        ({"credential": {"kind": "api_key"}}, BEARER),
        ({"credential": {}}, BEARER),
        ({"credential": None}, None),
        (
            {"credential": {"secret": "sk-2", "header": "x-key"}},
            BEARER | {"header": "x-key", "prefix": ""},
        ),
        ({"credential": {"secret": "sk-2", "prefix": "T "}}, BEARER | {"prefix": "T "}),
        ({"protocol": "custom"}, BEARER),
        (
            {"protocol": "anthropic", "credential": {"secret": "sk-2"}},
            BEARER | {"header": "x-api-key", "prefix": ""},
        ),
        ({"protocol": "anthropic", "credential": {"header": "Authorization"}}, BEARER),
        ({"endpoints": [{"url": f"{OPENAI_URL}/other"}]}, BEARER),
    ],
)
def test_where_the_credential_goes(
    admin: httpx2.Client, patch: dict[str, Any], credential: Any
) -> None:
    path, _ = _registered(admin, **SECRETIVE)
    assert shown(admin.patch(path, json=patch))["credential"] == credential


@pytest.mark.parametrize(
    ("patch", "found"),
    [
        ({"endpoints": ELSEWHERE}, ("credential.secret", "secret_required")),
        (
            {"endpoints": ELSEWHERE, "credential": {"secret": "sk-2"}},
            ("headers.x-a", "secret_required"),
        ),
        ({"credential": {"header": "x-key"}}, ("credential.secret", "secret_required")),
        ({"credential": {"prefix": "Token "}}, ("credential.secret", "secret_required")),
        ({"protocol": "anthropic"}, ("credential.secret", "secret_required")),
        ({"credential": {"secret": ""}}, ("credential.secret", "string_too_short")),
        ({"credential": {"secret": None}}, ("credential.secret", "string_type")),
        ({"credential": {"secret": "****"}}, ("credential.secret", "invalid_secret")),
        ({"credential": {"secret": "sk-…3f"}}, ("credential.secret", "invalid_secret")),
        ({"credential": {"header": "host"}}, ("credential.header", "invalid_header")),
        ({"credential": {"prefix": "\n"}}, ("credential.prefix", "invalid_prefix")),
        ({"credential": {"kind": "other"}}, ("credential.kind", "enum")),
        ({"headers": {"x-a": "****"}}, ("headers.x-a", "invalid_secret")),
        ({"headers": {"authorization": "x"}}, ("headers", "invalid_header")),
        ({"headers": {"not a header": "x"}}, ("headers", "invalid_header")),
    ],
)
def test_what_is_refused_of_secrets(
    admin: httpx2.Client, patch: dict[str, Any], found: tuple[str, str]
) -> None:
    path, llm = _registered(admin, **SECRETIVE)
    assert errors(admin.patch(path, json=patch)) == [found]
    assert shown(admin.get(path)) == llm


def test_a_credential_comes_where_there_was_none(admin: httpx2.Client) -> None:
    path, _ = _registered(admin)
    missing = admin.patch(path, json={"credential": {"header": "x-key"}})
    assert errors(missing) == [("credential.secret", "secret_required")]
    patched = shown(admin.patch(path, json={"credential": {"secret": "sk-1"}}))
    assert patched["credential"] == BEARER
    assert errors(admin.patch(path, json={"credential": {"secret": "****"}})) == [
        ("credential.secret", "invalid_secret")
    ]


def test_secrets_move_when_they_are_sent_again(admin: httpx2.Client) -> None:
    path, _ = _registered(admin, **SECRETIVE)
    patch = {"endpoints": ELSEWHERE, "credential": {"secret": "s2"}, "headers": {"X-A": "two"}}
    patched = shown(admin.patch(path, json=patch))
    assert patched["endpoints"][0]["url"] == ELSEWHERE[0]["url"]
    assert patched["headers"] == {"x-a": "****"}


def test_a_mask_says_to_leave_the_member_out(admin: httpx2.Client) -> None:
    path, _ = _registered(admin, **SECRETIVE)
    answer = admin.patch(path, json={"headers": {"x-a": "****"}})
    assert "leave the member out" in answer.json()["errors"][0]["message"]


def test_what_a_later_policy_refuses_does_not_stand_in_the_way_of_reading_back(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    """Nothing changes, so nothing is judged."""
    path, llm = _registered(admin, **SECRETIVE)
    metadata = "http://169.254.169.254/"
    endpoints = f'[{{"base_url": "{metadata}", "path": "", "region": null}}]'
    query(tenant.dragoman, "UPDATE llms SET endpoints = ? WHERE id = ?", endpoints, llm["id"])
    read = shown(admin.get(path))
    back = {name: read[name] for name in ("endpoints", "credential", "protocol", "model")}
    assert shown(admin.patch(path, json=back)) == read
    assert shown(admin.patch(path, json={"display_name": "new"}))["display_name"] == "new"
