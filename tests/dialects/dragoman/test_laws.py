"""Laws of reading and writing, over whatever can be registered."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialects.anam.tenants import Tenant
from tests.dialects.dragoman import registrations
from tests.dialects.dragoman.answers import LLMS, shown
from tests.dialects.dragoman.registrations import HOSTS, REFERENCES, writable
from tests.running import RunningDragoman

Json = dict[str, Any]


@pytest.fixture(scope="module")
def tenant(dragoman: RunningDragoman) -> Iterator[Tenant]:
    """Share one organization between all examples of this module."""
    origins = [f"https://{host}" for host in HOSTS]
    origins += [f"http://{host if ':' in host else f'{host}:80'}" for host in HOSTS]
    with Tenant(dragoman) as tenant:
        for reference in REFERENCES:
            tenant.grant(reference, *origins)
        yield tenant


@pytest.fixture(scope="module")
def client(tenant: Tenant) -> httpx2.Client:
    return tenant.client("admin")


def _registered(client: httpx2.Client, configuration: Json) -> str:
    created = client.post(LLMS, json=configuration)
    path = f"{LLMS}/{shown(created, 201)['id']}"
    assert client.get(path).content == created.content
    return path


def _patched(target: Any, patch: Any) -> Any:
    """Apply a merge patch as RFC 7396 (section 2) writes it, but that null over null stays."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            if result.get(name) is not None:
                del result[name]
        else:
            result[name] = _patched(result.get(name), value)
    return result


GROUPS = ("sampling", "reasoning", "timeouts")
EMPTY: Json = {"modalities": [], "labels": {}, "tags": [], "metadata": {}, "capabilities": {}}


def _expected(before: Json, change: Json) -> Json:
    """Say what a patch makes of an LLM."""
    patched = _patched(before, change)
    after = {name: patched.get(name, EMPTY.get(name)) for name in before}
    for group in GROUPS:
        emptied = dict.fromkeys(before[group]) | {"stop_sequences": []}
        found = patched.get(group) or {}
        after[group] = {name: found.get(name, emptied[name]) for name in before[group]}
    if "endpoints" in change:
        after["endpoints"] = [_endpoint(each) for each in change["endpoints"]]
    after["capability_provenance"] = dict.fromkeys(after["capabilities"], "declared")
    return after


def _endpoint(asked: Json) -> tuple[str, str | None]:
    url = asked.get("url") or asked["base_url"] + asked["path"]
    return url, asked.get("region")


def _comparable(llm: Json) -> str:
    """Write an LLM so that true and 1 differ, and what every change changes does not count."""
    ignored = {"updated_at", "updated_by", "revision"}
    said = {name: value for name, value in llm.items() if name not in ignored}
    if said["endpoints"] and isinstance(said["endpoints"][0], dict):
        said["endpoints"] = [_endpoint(each) for each in said["endpoints"]]
    for name in ("sampling", "timeouts"):
        said[name] = {
            each: value + 0.0 if isinstance(value, int | float) else value
            for each, value in said[name].items()
        }
    said["max_context_length"] = said["max_context_length"] and int(said["max_context_length"])
    return json.dumps(said, sort_keys=True)


def _audit(tenant: Tenant, path: str) -> list[str]:
    return [row.action for row in tenant.audit() if path.endswith(row.target_id)]


@settings(max_examples=60, deadline=None)
@given(configuration=registrations.secretive)
def test_what_get_shows_can_be_patched_back_and_changes_nothing(
    tenant: Tenant, client: httpx2.Client, configuration: Json
) -> None:
    path = _registered(client, configuration)
    read = client.get(path)

    patched = client.patch(path, json=writable(read.json()))

    assert patched.status_code == 200, patched.text
    assert patched.content == read.content
    assert patched.headers["etag"] == read.headers["etag"]
    assert client.get(path).content == read.content
    assert _audit(tenant, path) == ["llm.create"]


@settings(max_examples=60, deadline=None)
@given(configuration=registrations.secretive, data=st.data())
def test_any_part_of_what_get_shows_changes_nothing(
    tenant: Tenant, client: httpx2.Client, configuration: Json, data: st.DataObject
) -> None:
    path = _registered(client, configuration)
    read = shown(client.get(path))
    named = data.draw(st.sets(st.sampled_from(sorted(writable(read)))))
    assert shown(client.patch(path, json={name: read[name] for name in named})) == read
    assert _audit(tenant, path) == ["llm.create"]


@settings(max_examples=80, deadline=None)
@given(configuration=registrations.configurations, change=registrations.changes)
def test_a_patch_makes_exactly_what_it_says_of_an_llm(
    client: httpx2.Client, configuration: Json, change: Json
) -> None:
    path = _registered(client, configuration)
    before = shown(client.get(path))

    after = shown(client.patch(path, json=change))

    assert _comparable(after) == _comparable(_expected(before, change))
    assert shown(client.get(path)) == after
    for name in ("id", "organization_id", "owner_id", "created_at", "created_by"):
        assert after[name] == before[name]


@settings(max_examples=40, deadline=None)
@given(configuration=registrations.secretive, change=registrations.changes)
def test_a_patch_that_is_refused_changes_nothing_and_one_twice_is_the_patch_once(
    client: httpx2.Client, configuration: Json, change: Json
) -> None:
    path = _registered(client, configuration)
    before = client.get(path)
    once = client.patch(path, json=change)
    if once.status_code == 400:  # a stored secret would go elsewhere
        assert client.get(path).content == before.content
        return
    assert client.patch(path, json=change).content == once.content
