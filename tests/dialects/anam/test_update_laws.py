"""Laws of reading and writing, over whatever can be registered."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialects.anam.answers import shown
from tests.dialects.anam.tenants import LLMS, Tenant
from tests.running import RunningDragoman

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
names = texts.filter(lambda text: text.strip() != "")
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
urls = st.fixed_dictionaries(
    {
        "url": st.builds(
            "{}://{}{}{}".format,
            st.sampled_from(["https", "HTTP"]),
            st.sampled_from(["api.example.com", "API.example.com:8443", "bücher.example"]),
            st.sampled_from(["", "/", "//", "/v1", "/v1/chat/completions", "/a/b/", "/%7e;x=1"]),
            st.sampled_from(["", "?", "?a=b", "?x=/chat/completions"]),
        )
    },
    optional={"region": st.none() | texts},
)
formats = ["openai", "azure_openai", "groq_openai", "gemini", "advanced_voice", "anthropic"]

required: dict[str, st.SearchStrategy[Any]] = {
    "displayName": names,
    "llmFormat": st.sampled_from(formats),
    "modelName": names,
    "urls": st.lists(urls, min_size=1, max_size=3),
}
optional: dict[str, st.SearchStrategy[Any]] = {
    "description": st.none() | texts,
    "metadata": st.dictionaries(texts, json_values, max_size=3),
    "temperature": st.none() | st.floats(0, 2),
    "maxTokens": st.none() | st.integers(1, 2**31 - 1),
    "deploymentName": st.none() | texts,
    "apiVersion": st.none() | texts,
    "displayTags": st.lists(texts, max_size=3),
    "reasoningEffort": st.none() | st.sampled_from(["default", "low", "medium", "high"]),
    "reasoningFormat": st.none() | st.sampled_from(["parsed", "raw", "hidden"]),
}
configurations = st.fixed_dictionaries(required, optional=optional)
changes = st.fixed_dictionaries({}, optional=required | optional)


@pytest.fixture(scope="module")
def tenant(dragoman: RunningDragoman) -> Iterator[Tenant]:
    """Share one organization between all examples of this module."""
    with Tenant(dragoman) as tenant:
        yield tenant


@pytest.fixture(scope="module")
def client(tenant: Tenant) -> httpx2.Client:
    return tenant.client("admin")


def _registered(client: httpx2.Client, configuration: dict[str, Any], secret: str) -> str:
    created = client.post(LLMS, json=configuration | {"secret": secret})
    path = f"{LLMS}/{shown(created, 201)['id']}"
    assert client.get(path).content == created.content
    return path


def _expected(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Say what an update makes of an LLM."""
    after = before | change
    for name in ("reasoningEffort", "reasoningFormat"):
        if after.get(name) is None:
            after.pop(name, None)
    after["urls"] = [
        {name: value for name, value in url.items() if value is not None} for url in after["urls"]
    ]
    return after


def _as_json(llm: dict[str, Any]) -> str:
    """Write an LLM so that 1, 1.0 and true differ, and the time of its update does not count."""
    return json.dumps(llm | {"updatedAt": None}, sort_keys=True)


@settings(max_examples=80, deadline=None)
@given(configuration=configurations, secret=st.sampled_from(["", "sk-law"]))
def test_what_get_shows_can_be_put_back_and_changes_nothing(
    tenant: Tenant, client: httpx2.Client, configuration: dict[str, Any], secret: str
) -> None:
    path = _registered(client, configuration, secret)
    read = client.get(path)

    put = client.put(path, json=read.json())

    assert put.status_code == 200, put.text
    assert put.content == read.content
    assert put.json()["updatedAt"] is None
    llm_id = read.json()["id"]
    assert [row.action for row in tenant.audit() if row.target_id == llm_id] == ["llm.create"]


@settings(max_examples=80, deadline=None)
@given(configuration=configurations, change=changes)
def test_an_update_makes_exactly_what_it_says_of_an_llm(
    client: httpx2.Client, configuration: dict[str, Any], change: dict[str, Any]
) -> None:
    path = _registered(client, configuration, secret="")
    before = shown(client.get(path))

    after = shown(client.put(path, json=change))

    assert _as_json(after) == _as_json(_expected(before, change))
    assert (after["updatedAt"] is None) == (_as_json(after) == _as_json(before))
    assert shown(client.get(path)) == after


@settings(max_examples=40, deadline=None)
@given(configuration=configurations, change=changes)
def test_an_update_twice_is_the_update_once(
    client: httpx2.Client, configuration: dict[str, Any], change: dict[str, Any]
) -> None:
    path = _registered(client, configuration, secret="")
    once = client.put(path, json=change)
    twice = client.put(path, json=change)
    assert once.status_code == 200, once.text
    assert twice.content == once.content
