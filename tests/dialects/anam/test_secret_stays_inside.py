"""A secret, or what looks like one in the wrong place, comes out nowhere."""

import itertools
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import shown
from tests.dialects.anam.tenants import LLMS, Tenant, an_llm, query
from tests.running import RunningDragoman

PLANTED = "sk-planted-7c41be"
"""Stands where no secret belongs."""

STORED = "sk-stored-90d2aa"
"""Stands where a secret belongs, and nowhere else."""


def _texts(answer: httpx2.Response) -> str:
    return f"{answer.text}\n{answer.headers!r}"


def _files(dragoman: RunningDragoman) -> list[Path]:
    """List all that the server has written, its output and log included."""
    return [path for path in dragoman.data_dir.parent.rglob("*") if path.is_file()]


def _files_with(dragoman: RunningDragoman, text: str) -> list[str]:
    return [path.name for path in _files(dragoman) if text.encode() in path.read_bytes()]


def test_a_stored_secret_is_in_no_answer_no_file_and_no_log_line(
    tenant: Tenant, admin: httpx2.Client, llms: str
) -> None:
    first, second = f"{STORED}-first", f"{STORED}-second"
    created = admin.post(llms, json=an_llm(secret=first))
    path = f"{llms}/{shown(created, 201)['id']}"
    answers = [
        created,
        admin.get(path),
        admin.get(llms),
        admin.get(llms, params={"search": "sk-"}),
        admin.put(path, json={"secret": second}),
        admin.put(path, json={"displayName": "After"}),
        admin.put(path, json={"url": "https://evil.example/"}),
        admin.post(llms, json=an_llm(secret=first, temperature=9)),
        admin.get(path),
        admin.delete(path),
    ]

    for answer in answers:
        assert STORED not in _texts(answer)
        assert "secret" not in answer.text or answer.status_code == 400
    assert {"dragoman.db", "data.log", "data.out"} <= {
        file.name for file in _files(tenant.dragoman)
    }
    assert _files_with(tenant.dragoman, STORED) == []


MEMBERS = (
    "displayName",
    "description",
    "llmFormat",
    "modelName",
    "secret",
    "temperature",
    "maxTokens",
    "deploymentName",
    "apiVersion",
    "metadata",
    "displayTags",
    "reasoningEffort",
    "reasoningFormat",
    "urls",
    "url",
)
WRONG: tuple[Any, ...] = (
    PLANTED,
    {PLANTED: PLANTED},
    [PLANTED],
    [[PLANTED]],
    [{"url": PLANTED, "region": [PLANTED]}],
    [{"url": f"https://{PLANTED}@api.example/"}],
    [{"url": f"https://api.example/#{PLANTED}"}],
    [{"url": f"https://127.0.0.1:0/{PLANTED}"}],
)


@pytest.mark.parametrize("member", MEMBERS)
def test_a_secret_in_the_wrong_member_is_not_repeated_when_it_is_refused(
    tenant: Tenant, admin: httpx2.Client, member: str
) -> None:
    stored = shown(admin.post(LLMS, json=an_llm()), 201)
    refused = 0
    for value in WRONG:
        for answer in (
            admin.post(LLMS, json=an_llm(**{member: value})),
            admin.put(f"{LLMS}/{stored['id']}", json={member: value}),
        ):
            assert answer.status_code in {200, 201, 400}
            if answer.status_code == 400:
                refused += 1
                assert PLANTED not in _texts(answer)
    assert refused >= 6
    assert PLANTED not in tenant.dragoman.log


@pytest.mark.parametrize(
    "body",
    [
        f'{{"secret": "{PLANTED}"',
        f'{{"secret": {PLANTED}}}',
        f'"{PLANTED}"',
        f'["{PLANTED}"]',
        f'{{"{PLANTED}": 1, "{PLANTED}": 2}}',
        f'{{"{PLANTED}": NaN}}',
        f'{{"secret": "{PLANTED}\\u0000"}}',
        f'{{"secret": "{PLANTED}\\ud800"}}',
        f'{{"secret": "{PLANTED}", "x": 1e999}}',
        f'{{"secret": "{PLANTED}", "x": {"[" * 70}{"]" * 70}}}',
    ],
)
def test_a_secret_in_a_body_that_cannot_be_read_is_not_repeated(
    tenant: Tenant, admin: httpx2.Client, body: str
) -> None:
    answer = admin.post(LLMS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert PLANTED not in _texts(answer)
    assert PLANTED not in tenant.dragoman.log


def test_a_secret_in_the_path_the_query_or_a_header_is_not_repeated(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    answers = [
        admin.get(f"{LLMS}/{PLANTED}"),
        admin.get(f"/anam/{PLANTED}"),
        admin.get(LLMS, params={"page": PLANTED}),
        admin.get(LLMS, params={"includeDefaults": PLANTED}),
        admin.get(LLMS, headers={"authorization": f"Bearer {PLANTED}"}),
        admin.get(LLMS, headers={"authorization": PLANTED}),
        admin.get(LLMS, headers={"x-api-key": PLANTED}),
        admin.post(LLMS, content=b"x", headers={"content-type": PLANTED}),
        admin.request(PLANTED.upper(), LLMS),
    ]
    assert [answer.status_code for answer in answers[:-1]] == [
        *(404, 404, 400, 400),
        *(401, 401, 401, 415),
    ]
    for answer in answers:
        assert PLANTED not in _texts(answer)
    assert PLANTED not in tenant.dragoman.log


def test_a_fault_of_ours_logs_where_it_happened_but_not_the_secret_of_the_request(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    """Provoked by an audit trail that cannot be written for this organization."""
    condition = f"NEW.organization_id = '{tenant.organization_id}'"
    query(
        tenant.dragoman,
        f"CREATE TRIGGER broken BEFORE INSERT ON audit WHEN {condition} "
        "BEGIN SELECT RAISE(ABORT, 'the audit is broken'); END",
    )
    try:
        answer = admin.post(LLMS, json=an_llm(secret=STORED))
    finally:
        query(tenant.dragoman, "DROP TRIGGER broken")

    assert answer.status_code == 500
    assert answer.json() == {"error": "Something went wrong in Dragoman; its log says what."}
    assert "the audit is broken" in tenant.dragoman.log
    assert STORED not in _texts(answer)
    assert _files_with(tenant.dragoman, STORED) == []


def test_two_llms_of_one_secret_have_nothing_sealed_in_common(
    tenant: Tenant, admin: httpx2.Client
) -> None:
    for name in ("one", "two"):
        shown(admin.post(LLMS, json=an_llm(displayName=name, secret=STORED)), 201)
    rows = query(
        tenant.dragoman,
        "SELECT wrapped_dek, ciphertext FROM llm_secrets WHERE organization_id = ?",
        tenant.organization_id,
    )
    assert len(rows) == 2
    assert len(set(itertools.chain(*rows))) == 4
