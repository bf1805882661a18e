"""Whatever is sent, the answer is one of ours: never a 500, never another shape."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.dialects.anam.answers import error, named, problems, shown
from tests.dialects.anam.tenants import LLMS, Tenant, an_llm
from tests.running import RunningDragoman

MEMBERS = [
    "displayName",
    "description",
    "llmFormat",
    "urls",
    "url",
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
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
almost_urls = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://", "http://", "https:", "HTTP://", "https:///", ""]),
    st.text("a1.:@[]%#?/\\-_ \N{FULLWIDTH DIGIT ONE}\N{IDEOGRAPHIC FULL STOP}é\u200d", max_size=12),
    st.sampled_from(["", "/v1", ":80", ":x", "/é", "?a#b"]),
)


@pytest.fixture(scope="module")
def client(dragoman: RunningDragoman) -> Iterator[httpx2.Client]:
    """Share one organization between all examples of this module."""
    with Tenant(dragoman) as tenant:
        yield tenant.client("admin")


@pytest.fixture(scope="module")
def path(client: httpx2.Client) -> str:
    """Register an LLM that every example may change."""
    return f"{LLMS}/{shown(client.post(LLMS, json=an_llm(secret='')), 201)['id']}"


def _check(answer: httpx2.Response, success: int) -> None:
    """Check that an answer is a success or a 400 in one of Anam's two shapes."""
    named(answer)
    if answer.status_code == success:
        assert answer.headers["content-type"] == "application/json"
    elif "details" in answer.json():
        assert problems(answer)
    else:
        assert error(answer, 400)


@settings(max_examples=100, deadline=None)
@given(members=st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=4))
def test_any_values_of_the_known_members(
    client: httpx2.Client, path: str, members: dict[str, Any]
) -> None:
    _check(client.post(LLMS, json=an_llm(**members)), 201)
    _check(client.put(path, json=members), 200)


@settings(max_examples=100, deadline=None)
@given(url=almost_urls)
@example(url="https://[")
@example(url="https://[::1%25%00]/")
@example(url="https://" + "é" * 300)
def test_any_text_as_a_url(client: httpx2.Client, path: str, url: str) -> None:
    _check(client.post(LLMS, json=an_llm(urls=[{"url": url}])), 201)
    _check(client.put(path, json={"url": url}), 200)


@settings(max_examples=60, deadline=None)
@given(secret=texts)
def test_any_text_as_a_secret(client: httpx2.Client, secret: str) -> None:
    _check(client.post(LLMS, json=an_llm(secret=secret)), 201)


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=40) | texts.map(str.encode) | json_values.map(repr).map(str.encode))
def test_any_bytes_as_a_body(client: httpx2.Client, path: str, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    _check(client.post(LLMS, content=body, headers=headers), 201)
    _check(client.put(path, content=body, headers=headers), 200)


@settings(max_examples=60, deadline=None)
@given(
    query=st.dictionaries(
        st.sampled_from(["page", "perPage", "search", "includeDefaults"]),
        texts | st.integers().map(str),
    )
)
def test_any_texts_in_the_query(client: httpx2.Client, query: dict[str, str]) -> None:
    _check(client.get(LLMS, params=query), 200)


@settings(max_examples=60, deadline=None)
@given(llm_id=texts.filter(lambda text: text not in {"", ".", ".."}))
def test_any_text_as_an_id(client: httpx2.Client, llm_id: str) -> None:
    for method in ("GET", "DELETE"):
        error(client.request(method, f"{LLMS}/{quote(llm_id, safe='')}"), 404)
