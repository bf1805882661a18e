"""Where a stored secret may go, and when it has to be sent again."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import problems, shown
from tests.dialects.anam.tenants import LLMS, OPENAI_URL, Tenant, an_llm, query

ORIGIN = "https://api.openai.com"
SECRET_REQUIRED = {
    "path": "secret",
    "message": (
        "changing where the stored secret is sent (scheme, host, port or header) needs the "
        "secret again in the same request"
    ),
    "code": "secret_required",
}


def _url(url: str) -> dict[str, Any]:
    return {"urls": [{"url": url}]}


def _sealed(tenant: Tenant, llm: dict[str, Any]) -> list[tuple[Any, ...]]:
    return query(
        tenant.dragoman,
        "SELECT credential_header, credential_prefix, generation, kek_id, wrapped_dek, ciphertext "
        "FROM llms LEFT JOIN llm_secrets ON llm_id = id WHERE id = ?",
        llm["id"],
    )


MOVED = {
    "scheme": _url("http://api.openai.com/v1/chat/completions"),
    "scheme alone": _url("http://api.openai.com:443/v1/chat/completions"),
    "host": _url("https://evil.example/v1/chat/completions"),
    "subdomain": _url("https://api.openai.com.evil.example/v1/chat/completions"),
    "final dot": _url("https://api.openai.com./v1/chat/completions"),
    "port": _url("https://api.openai.com:8443/v1/chat/completions"),
    "added origin": {"urls": [{"url": OPENAI_URL}, {"url": "https://evil.example/"}]},
    "added origin in front": {"urls": [{"url": "https://evil.example/"}, {"url": OPENAI_URL}]},
    "url": {"url": "https://evil.example/"},
    "to azure's header": {"llmFormat": "azure_openai"},
    "to gemini's header": {"llmFormat": "gemini"},
    "to anthropic's header": {"llmFormat": "anthropic"},
    "among other members": {"displayName": "After", "maxTokens": 5, "llmFormat": "gemini"},
    "host and header": {"llmFormat": "gemini", **_url("https://evil.example/")},
}


@pytest.mark.parametrize("change", MOVED.values(), ids=MOVED)
def test_a_stored_secret_is_not_moved_unless_it_is_sent_again(
    tenant: Tenant, admin: httpx2.Client, llms: str, change: dict[str, Any]
) -> None:
    stored = shown(admin.post(llms, json=an_llm()), 201)
    path, sealed = f"{llms}/{stored['id']}", _sealed(tenant, stored)

    refused = admin.put(path, json=change)

    assert problems(refused) == [("secret", "secret_required")]
    assert refused.json()["details"] == [SECRET_REQUIRED]
    assert shown(admin.get(path)) == stored
    assert _sealed(tenant, stored) == sealed
    assert [row.action for row in tenant.audit()] == ["llm.create"]

    moved = shown(admin.put(path, json=change | {"secret": "sk-sent-again"}))
    assert moved["updatedAt"] is not None
    assert _sealed(tenant, stored) != sealed
    for member in set(change) - {"url"}:
        assert moved[member] == change[member]


def test_from_one_foreign_header_to_another_needs_the_secret_again(admin: httpx2.Client) -> None:
    stored = shown(admin.post(LLMS, json=an_llm(llmFormat="gemini")), 201)
    answer = admin.put(f"{LLMS}/{stored['id']}", json={"llmFormat": "anthropic"})
    assert problems(answer) == [("secret", "secret_required")]


KEPT = {
    "path": _url(f"{ORIGIN}/v2/other"),
    "query": _url(f"{OPENAI_URL}?api-version=1"),
    "case of the host": _url("https://API.OpenAI.com/v1/chat/completions"),
    "default port written out": _url("https://api.openai.com:443/v1/chat/completions"),
    "one removed": _url("https://eu.api.openai.com/v1/chat/completions"),
    "reordered": {
        "urls": [{"url": "https://eu.api.openai.com/v1/chat/completions"}, {"url": OPENAI_URL}]
    },
    "one more on the same origin": {"urls": [{"url": OPENAI_URL}, {"url": f"{ORIGIN}/2"}]},
    "url": {"url": f"{ORIGIN}/v2"},
    "format with the same header": {"llmFormat": "groq_openai"},
    "something else": {"displayName": "After"},
}


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_a_change_within_the_same_origins_and_header_keeps_the_secret(
    admin: httpx2.Client, llms: str, change: dict[str, Any]
) -> None:
    both = [{"url": OPENAI_URL}, {"url": "https://eu.api.openai.com/v1/chat/completions"}]
    stored = shown(admin.post(llms, json=an_llm(urls=both)), 201)
    assert shown(admin.put(f"{llms}/{stored['id']}", json=change))["updatedAt"] is not None


def test_an_origin_that_was_removed_needs_the_secret_again_to_come_back(
    admin: httpx2.Client,
) -> None:
    both = [{"url": OPENAI_URL}, {"url": "https://eu.api.openai.com/"}]
    stored = shown(admin.post(LLMS, json=an_llm(urls=both)), 201)
    path = f"{LLMS}/{stored['id']}"
    shown(admin.put(path, json={"url": OPENAI_URL}))
    assert problems(admin.put(path, json={"urls": both})) == [("secret", "secret_required")]


@pytest.mark.parametrize("change", MOVED.values(), ids=MOVED)
def test_where_no_secret_is_stored_none_is_needed(
    tenant: Tenant, admin: httpx2.Client, change: dict[str, Any]
) -> None:
    stored = shown(admin.post(LLMS, json=an_llm(secret="")), 201)
    assert _sealed(tenant, stored) == [(None,) * 6]
    shown(admin.put(f"{LLMS}/{stored['id']}", json=change))
    assert _sealed(tenant, stored) == [(None,) * 6]


def test_an_llm_without_a_credential_can_be_given_one(tenant: Tenant, admin: httpx2.Client) -> None:
    stored = shown(admin.post(LLMS, json=an_llm(secret="")), 201)
    shown(admin.put(f"{LLMS}/{stored['id']}", json={"secret": "sk-first"}))
    assert _sealed(tenant, stored)[0][:3] == ("Authorization", "Bearer ", 1)


def test_a_new_secret_is_the_next_generation_and_counts_as_a_change(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    stored = shown(admin.post(LLMS, json=an_llm()), 201)
    updated = shown(admin.put(f"{LLMS}/{stored['id']}", json={"secret": "sk-next"}))
    assert updated == stored | {"updatedAt": updated["updatedAt"]}
    assert updated["updatedAt"] is not None
    assert _sealed(tenant, stored)[0][:3] == ("Authorization", "Bearer ", 2)


@pytest.mark.parametrize(
    ("llm_format", "header", "prefix"),
    [
        ("openai", "Authorization", "Bearer "),
        ("groq_openai", "Authorization", "Bearer "),
        ("custom", "Authorization", "Bearer "),
        ("azure_openai", "api-key", ""),
        ("gemini", "x-goog-api-key", ""),
        ("anthropic", "x-api-key", ""),
    ],
)
def test_the_format_says_which_header_carries_the_secret(
    tenant: Tenant, admin: httpx2.Client, llm_format: str, header: str, prefix: str
) -> None:
    stored = shown(admin.post(LLMS, json=an_llm(llmFormat=llm_format)), 201)
    assert _sealed(tenant, stored)[0][:2] == (header, prefix)


MASK = "is a mask, not a secret; leave the member out to keep the stored secret"
PRINTABLE = "must be printable ASCII, because it is sent in an HTTP header"
WHITE_SPACE = "begins or ends with white space; was it copied with a line break?"


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("*", MASK),
        ("***", MASK),
        ("****", MASK),
        (" **** ", MASK),
        ("****wxyz", MASK),
        ("sk-****wxyz", MASK),
        ("…", MASK),
        ("…****", MASK),
        ("•••••••", MASK),
        ("sk-…wxyz", MASK),
        ("sk-pl\rnted", PRINTABLE),
        ("sk-pl\nnted", PRINTABLE),
        ("sk-pl\r\nx-evil: 1", PRINTABLE),
        ("sk-pl\tnted", PRINTABLE),
        ("sk-pl\x7fnted", PRINTABLE),
        ("sk-plänted", PRINTABLE),
        ("sk-planted\N{ZERO WIDTH SPACE}", PRINTABLE),
        (" sk-planted", WHITE_SPACE),
        ("sk-planted\n", WHITE_SPACE),
        ("\N{NO-BREAK SPACE}sk-planted", WHITE_SPACE),
        (" ", WHITE_SPACE),
    ],
)
def test_what_cannot_be_a_secret_is_refused_and_not_repeated(
    tenant: Tenant, admin: httpx2.Client, secret: str, message: str
) -> None:
    expected = {"path": "secret", "message": message, "code": "invalid_secret"}
    stored = shown(admin.post(LLMS, json=an_llm()), 201)
    sealed = _sealed(tenant, stored)

    created = admin.post(LLMS, json=an_llm(secret=secret))
    updated = admin.put(f"{LLMS}/{stored['id']}", json={"secret": secret, "maxTokens": 5})

    for answer in (created, updated):
        assert problems(answer) == [("secret", "invalid_secret")]
        assert answer.json()["details"] == [expected]
        assert "sk-pl" not in answer.text
    assert shown(admin.get(LLMS))["data"] == [stored]
    assert _sealed(tenant, stored) == sealed


def test_a_mask_does_not_stand_for_the_secret_that_a_move_needs(admin: httpx2.Client) -> None:
    stored = shown(admin.post(LLMS, json=an_llm()), 201)
    change = _url("https://evil.example/") | {"secret": "****"}
    assert problems(admin.put(f"{LLMS}/{stored['id']}", json=change)) == [
        ("secret", "invalid_secret")
    ]


def test_an_empty_secret_on_update_is_refused_and_says_how_to_keep_the_stored_one(
    admin: httpx2.Client,
) -> None:
    stored = shown(admin.post(LLMS, json=an_llm()), 201)
    answer = admin.put(f"{LLMS}/{stored['id']}", json={"secret": "", "displayName": "After"})
    assert answer.json() == {
        "error": "Validation error",
        "details": [
            {
                "path": "secret",
                "message": "must not be empty; leave it out to keep the secret",
                "code": "too_small",
            }
        ],
        "summary": "secret: must not be empty; leave it out to keep the secret",
    }
    assert shown(admin.get(f"{LLMS}/{stored['id']}")) == stored


@pytest.mark.parametrize("secret", ["x", "a secret with spaces", "!#$%&'()+,-./:;<=>?@[]^_`{|}~"])
def test_any_printable_ascii_can_be_a_secret(admin: httpx2.Client, secret: str) -> None:
    shown(admin.post(LLMS, json=an_llm(secret=secret)), 201)
