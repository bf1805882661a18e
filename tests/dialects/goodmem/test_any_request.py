"""Whatever is sent, the answer is one of ours: never a 500, never another shape."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.dialects.goodmem.errors import CODES
from dragoman.dialects.goodmem.schema import LlmCreate, LlmUpdate
from tests.dialects.anam.tenants import Tenant
from tests.dialects.goodmem.registrations import (
    LLMS,
    OPENAI,
    an_llm,
    client,
    created,
    credentials,
    error,
    shown,
)
from tests.running import RunningDragoman

MEMBERS = sorted(
    {str(field.alias) for model in (LlmCreate, LlmUpdate) for field in model.model_fields.values()}
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
almost = st.sampled_from(
    ["", "0", "-1", "1.5", "true", "{}", "[]", '{"a": "b"}', "TEXT", "DASHSCOPE", OPENAI, "/x"]
)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts | almost,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | almost, inner, max_size=3),
    max_leaves=6,
)
api_keys = st.fixed_dictionaries(
    {},
    optional={
        "inlineSecret": json_values,
        "secretRef": json_values | st.fixed_dictionaries({"uri": json_values}),
        "headerName": json_values,
        "prefix": json_values,
    },
)
credential = st.fixed_dictionaries(
    {"kind": st.sampled_from(["CREDENTIAL_KIND_API_KEY", "CREDENTIAL_KIND_GCP_ADC"]) | json_values},
    optional={"apiKey": api_keys | json_values, "gcpAdc": json_values, "labels": json_values},
)


@pytest.fixture(scope="module")
def http(dragoman: RunningDragoman) -> Iterator[httpx2.Client]:
    """Share one organization between all examples of this module."""
    with Tenant(dragoman) as tenant, client(dragoman, tenant.keys["admin"]) as http:
        yield http


@pytest.fixture(scope="module")
def path(http: httpx2.Client) -> str:
    """Register an LLM that every example may change."""
    return f"{LLMS}/{created(http, credentials=None)['llmId']}"


def check(answer: httpx2.Response, success: int) -> None:
    """Check that an answer is a success, or a refusal of this very request."""
    if answer.status_code == success:
        shown(answer, success)
    else:
        assert answer.status_code in {400, 404, 409}
        error(answer, answer.status_code, CODES[answer.status_code])


@settings(max_examples=150, deadline=None)
@given(members=st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=4))
def test_any_values_of_the_known_members(
    http: httpx2.Client, path: str, members: dict[str, Any]
) -> None:
    check(http.post(LLMS, json=an_llm(**members)), 201)
    check(http.put(path, json=members), 200)


@settings(max_examples=100, deadline=None)
@given(brought=credential)
def test_any_credentials(http: httpx2.Client, path: str, brought: dict[str, Any]) -> None:
    for answer in (
        http.post(LLMS, json=an_llm(credentials=brought)),
        http.put(path, json={"credentials": brought}),
    ):
        if answer.status_code == 400:
            assert answer.json()["code"] in {"INVALID_ARGUMENT", "SECRET_REQUIRED"}
        else:
            assert answer.status_code in {200, 201, 409}


@settings(max_examples=60, deadline=None)
@given(secret=texts)
def test_any_text_as_a_secret(http: httpx2.Client, secret: str) -> None:
    body = an_llm(credentials=credentials(inlineSecret=secret))
    check(http.post(LLMS, json=body), 201)


@settings(max_examples=100, deadline=None)
@given(
    query=st.dictionaries(
        st.sampled_from(["ownerId", "owner_id", "providerType", "label", "label.a", "label[b]"])
        | texts.map("label.{}".format)
        | texts,
        texts | almost,
    )
)
def test_any_texts_in_the_query(http: httpx2.Client, path: str, query: dict[str, str]) -> None:
    check(http.get(LLMS, params=query), 200)
    check(http.get(path, params=query), 200)


@settings(max_examples=60, deadline=None)
@given(llm_id=texts.filter(lambda text: text not in {"", ".", ".."}))
def test_any_text_as_an_id(http: httpx2.Client, llm_id: str) -> None:
    for method in ("GET", "DELETE"):
        answer = http.request(method, f"{LLMS}/{quote(llm_id, safe='')}")
        assert answer.status_code in {400, 404}
        error(answer, answer.status_code, CODES[answer.status_code])
