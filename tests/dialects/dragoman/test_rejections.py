"""What is refused: each failure in one shape, everything at once, nothing repeated."""

from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import named
from tests.dialects.anam.tenants import SOME_ID, Tenant, query
from tests.dialects.dragoman.answers import API, LLMS, errors, problem, shown
from tests.dialects.dragoman.registrations import READ_ONLY, an_llm

PLANTED = "sk-planted-51c0ff"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"display_name": " "}, ("display_name", "too_small")),
        ({"display_name": "x" * 256}, ("display_name", "too_big")),
        ({"display_name": 1}, ("display_name", "string_type")),
        ({"protocol": "x"}, ("protocol", "enum")),
        ({"provider": "OPENAI"}, ("provider", "enum")),
        ({"endpoints": []}, ("endpoints", "too_small")),
        ({"endpoints": [{}]}, ("endpoints.0", "missing")),
        ({"endpoints": [{"url": None}]}, ("endpoints.0", "missing")),
        ({"endpoints": [{"base_url": "https://a.example"}]}, ("endpoints.0", "incomplete")),
        (
            {"endpoints": [{"path": "/x", "url": "https://a.example/x"}]},
            ("endpoints.0", "incomplete"),
        ),
        (
            {
                "endpoints": [
                    {"url": "https://a.example/x", "base_url": "https://a.example", "path": "/y"}
                ]
            },
            ("endpoints.0", "conflict"),
        ),
        ({"endpoints": [{"url": "ftp://a.example"}]}, ("endpoints.0.url", "invalid_url")),
        ({"endpoints": [{"base_url": "x", "path": "y"}]}, ("endpoints.0.base_url", "invalid_url")),
        ({"endpoints": [{"url": "https://a.example", "name": 1}]}, ("endpoints.0.name", "unknown")),
        ({"model": ""}, ("model", "too_small")),
        ({"sampling": {"temperature": 3}}, ("sampling.temperature", "out_of_range")),
        ({"sampling": {"temperature": "1"}}, ("sampling.temperature", "float_type")),
        ({"sampling": {"temperature": True}}, ("sampling.temperature", "float_type")),
        ({"sampling": {"max_tokens": 0}}, ("sampling.max_tokens", "out_of_range")),
        ({"sampling": {"max_tokens": 1.5}}, ("sampling.max_tokens", "int_type")),
        ({"sampling": {"max_tokens": "1"}}, ("sampling.max_tokens", "int_type")),
        ({"sampling": {"max_tokens": True}}, ("sampling.max_tokens", "int_type")),
        ({"sampling": {"top": 1}}, ("sampling.top", "unknown")),
        ({"sampling": []}, ("sampling", "model_attributes_type")),
        ({"sampling": {"stop_sequences": ["x"] * 65}}, ("sampling.stop_sequences", "too_big")),
        ({"reasoning": {"effort": "most"}}, ("reasoning.effort", "enum")),
        ({"capabilities": {"chat": 1}}, ("capabilities.chat", "bool_type")),
        ({"capabilities": {"flying": True}}, ("capabilities.flying", "enum")),
        ({"modalities": ["text", "text"]}, ("modalities", "duplicate")),
        ({"max_context_length": -1}, ("max_context_length", "out_of_range")),
        ({"labels": {"a b": "c"}}, ("labels", "invalid_label")),
        ({"labels": {"a": 1}}, ("labels.a", "string_type")),
        ({"labels": {str(n): "" for n in range(21)}}, ("labels", "too_big")),
        ({"tags": "a"}, ("tags", "list_type")),
        ({"tags": ["a"] * 101}, ("tags", "too_big")),
        ({"metadata": {"a": "x" * 65_536}}, ("metadata", "too_big")),
        ({"metadata": []}, ("metadata", "dict_type")),
        ({"client_config": "x"}, ("client_config", "dict_type")),
        ({"timeouts": {"total_s": 0}}, ("timeouts.total_s", "out_of_range")),
        ({"enabled": 1}, ("enabled", "bool_type")),
        ({"enabled": "true"}, ("enabled", "bool_type")),
        ({"credential": "sk"}, ("credential", "model_attributes_type")),
        ({"credential": {}}, ("credential.secret", "secret_required")),
        ({"credential": {"secret": "Bearer sk"}}, ("credential.secret", "invalid_secret")),
        ({"headers": {"x": 1}}, ("headers.x", "string_type")),
        ({"headers": {"host": "x"}}, ("headers", "invalid_header")),
        ({"displayName": "x"}, ("displayName", "unknown")),
    ],
)
def test_members_that_are_refused(
    admin: httpx2.Client, members: dict[str, Any], found: tuple[str, str]
) -> None:
    assert errors(admin.post(LLMS, json=an_llm(**members))) == [found]
    if members != {"credential": {}}:
        path = f"{LLMS}/{shown(admin.post(LLMS, json=an_llm()), 201)['id']}"
        assert errors(admin.patch(path, json=members)) == [found]


def test_everything_that_is_wrong_is_said_at_once(admin: httpx2.Client) -> None:
    wrong = {"model": 1, "sampling": {"top_k": "x", "top_p": "y"}, "colour": 1, "tags": [1]}
    assert errors(admin.post(LLMS, json=an_llm(**wrong))) == [
        ("colour", "unknown"),
        ("model", "string_type"),
        ("sampling.top_k", "int_type"),
        ("sampling.top_p", "float_type"),
        ("tags.0", "string_type"),
    ]
    out_of_bounds = {"model": "", "sampling": {"top_k": 0}, "timeouts": {"idle_s": -1}}
    assert errors(admin.post(LLMS, json=an_llm(**out_of_bounds))) == [
        ("model", "too_small"),
        ("sampling.top_k", "out_of_range"),
        ("timeouts.idle_s", "out_of_range"),
    ]
    assert errors(admin.post(LLMS, json={})) == [
        (name, "missing") for name in ("display_name", "endpoints", "model", "protocol")
    ]


@pytest.mark.parametrize("member", sorted(READ_ONLY))
def test_what_the_server_owns_is_not_sent(admin: httpx2.Client, member: str) -> None:
    llm = shown(admin.post(LLMS, json=an_llm()), 201)
    patch = admin.patch(f"{LLMS}/{llm['id']}", json={member: llm[member]})
    assert errors(patch) == [(member, "unknown")]
    if member not in {"id", "owner_id"}:
        create = admin.post(LLMS, json=an_llm(**{member: llm[member]}))
        assert errors(create) == [(member, "unknown")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"null", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a": 1, "a": 2}', "duplicate_member"),
        (b'{"metadata": {"a": 1, "a": 2}}', "duplicate_member"),
        (b'{"a": 1e999}', "invalid_number"),
        (b'{"a": "\\u0000"}', "invalid_text"),
        (b'{"a": "\\ud800"}', "invalid_text"),
        (b'{"a": "\xff"}', "invalid_json"),
        (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "too_deep"),
    ],
)
def test_a_body_that_cannot_be_read(admin: httpx2.Client, body: bytes, code: str) -> None:
    assert problem(admin.post(LLMS, content=body, headers=JSON), 400) == code
    path = f"{LLMS}/{shown(admin.post(LLMS, json=an_llm()), 201)['id']}"
    assert problem(admin.patch(path, content=body, headers=JSON), 400) == code


def test_every_other_failure_has_the_same_shape(tenant: Tenant, admin: httpx2.Client) -> None:
    body = b'{"a": 1}'
    patch_type = {"content-type": "application/merge-patch+json"}
    for answer, status, code in [
        (admin.get(f"{API}/nothing"), 404, "not_found"),
        (admin.get("/api"), 404, "not_found"),
        (admin.get("/api/v2/llms"), 404, "not_found"),
        (admin.get(f"{LLMS}/"), 404, "not_found"),
        (admin.get(f"{LLMS}/{SOME_ID}"), 404, "not_found"),
        (admin.get(f"{LLMS}/%00"), 404, "not_found"),
        (admin.get(f"{API}/keys/%00"), 404, "not_found"),
        (admin.get(f"{API}/principals/%00"), 404, "not_found"),
        (admin.get(f"{API}/organizations/%00"), 404, "not_found"),
        (admin.put(LLMS, json={}), 405, "method_not_allowed"),
        (admin.post(f"{API}/me", json={}), 405, "method_not_allowed"),
        (admin.post(LLMS, content=body), 415, "unsupported_media_type"),
        (admin.post(LLMS, content=body, headers=patch_type), 415, "unsupported_media_type"),
        (admin.post(LLMS, content=b" " * (1 << 21), headers=JSON), 413, "too_large"),
        (admin.get(LLMS, headers={"authorization": "Bearer x"}), 401, "unauthenticated"),
        (admin.get(LLMS, headers={"authorization": "Basic x"}), 401, "unauthenticated"),
        (tenant.client("viewer").post(LLMS, json={}), 403, "forbidden"),
    ]:
        assert problem(answer, status) == code
    assert admin.put(LLMS, json={}).headers["allow"] == "GET, POST"
    with httpx2.Client(base_url=tenant.dragoman.url) as nobody:
        answer = nobody.get(LLMS)
    assert problem(answer, 401) == "unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_fault_of_ours_says_no_more_than_that(tenant: Tenant, admin: httpx2.Client) -> None:
    """Provoked by an audit trail that cannot be written for this organization."""
    condition = f"NEW.organization_id = '{tenant.organization_id}'"
    query(
        tenant.dragoman,
        f"CREATE TRIGGER broken BEFORE INSERT ON audit WHEN {condition} "
        "BEGIN SELECT RAISE(ABORT, 'the audit is broken'); END",
    )
    try:
        answer = admin.post(LLMS, json=an_llm())
    finally:
        query(tenant.dragoman, "DROP TRIGGER broken")
    assert problem(answer, 500) == "internal"
    assert named(answer) in tenant.dragoman.log
    assert "broken" not in answer.text


@pytest.mark.parametrize(
    "members",
    [
        {PLANTED: 1},
        {"sampling": {PLANTED: 1}},
        {"protocol": PLANTED},
        {"labels": {f"{PLANTED} x": "v"}},
        {"labels": {PLANTED: 1}},
        {"headers": {f"{PLANTED} x": "v"}},
        {"headers": {PLANTED: 1}},
        {"capabilities": {PLANTED: True}},
        {"endpoints": [{"url": PLANTED}]},
        {"endpoints": [{"url": f"https://{PLANTED}@a.example"}]},
        {"endpoints": [{PLANTED: PLANTED}]},
        {"credential": PLANTED},
        {"credential": {"secret": f" {PLANTED}"}},
        {"credential": {"kind": PLANTED, "header": f"{PLANTED} x"}},
        {"id": PLANTED},
        {"owner_id": PLANTED},
        {"enabled": PLANTED},
        {"timeouts": {"idle_s": PLANTED}},
    ],
)
def test_what_is_refused_is_not_repeated(
    tenant: Tenant, admin: httpx2.Client, members: dict[str, Any]
) -> None:
    path = f"{LLMS}/{shown(admin.post(LLMS, json=an_llm()), 201)['id']}"
    for answer in (admin.post(LLMS, json=an_llm(**members)), admin.patch(path, json=members)):
        assert answer.status_code == 400
        assert PLANTED not in f"{answer.text}{answer.headers!r}"
    assert PLANTED not in tenant.dragoman.log


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("keys", {"name": "x", "role": PLANTED}),
        ("keys", {"name": "x", "role": "viewer", "permissions": [PLANTED]}),
        ("keys", {"name": "x", "role": "viewer", "expires_at": PLANTED}),
        ("keys", {"name": "x", "principal_id": PLANTED}),
        ("keys", {"name": f"{PLANTED}\n", "role": "viewer"}),
        ("principals", {"name": f"{PLANTED}\n", "role": "viewer"}),
        ("principals", {"name": PLANTED, "role": PLANTED}),
        (f"llms?page_token={PLANTED}", None),
        (f"llms?labels={PLANTED} {PLANTED}", None),
        (f"llms?protocol={PLANTED}", None),
        (f"llms?{PLANTED}=1", None),
        (f"audit?since={PLANTED}", None),
    ],
)
def test_nothing_of_other_nouns_is_repeated(
    tenant: Tenant, admin: httpx2.Client, path: str, body: Any
) -> None:
    method = "GET" if body is None else "POST"
    answer = admin.request(method, f"{API}/{path}", json=body)
    assert answer.status_code == 400, answer.text
    assert PLANTED not in f"{answer.text}{answer.headers!r}"
    assert PLANTED not in tenant.dragoman.log
