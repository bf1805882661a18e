"""Two workers are one server: changes reach both, and the death of one loses nothing."""

import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.dialects.anam.answers import shown, within_a_second, worker_of
from tests.dialects.anam.tenants import LLMS, Tenant, an_llm
from tests.running import RunningDragoman

MOST_TRIES = 400


@pytest.fixture
def connections(tenant: Tenant) -> list[list[httpx2.Client]]:
    """Give four keep-alive connections to each of the two workers."""
    found: dict[str, list[httpx2.Client]] = {}
    for _ in range(MOST_TRIES):
        client = tenant.client()
        of_worker = found.setdefault(worker_of(client.get(LLMS)), [])
        if len(of_worker) == 4:
            client.close()
        else:
            of_worker.append(client)
        if [len(clients) for clients in found.values()] == [4, 4]:
            return list(found.values())
    raise AssertionError(f"no two workers answered in {MOST_TRIES} connections")


def _all(client: httpx2.Client) -> list[dict[str, Any]]:
    """List everything, page after page."""
    llms: list[dict[str, Any]] = []
    for page in itertools.count(1):
        answer = shown(client.get(LLMS, params={"page": page, "perPage": 100}))
        llms += answer["data"]
        if answer["meta"]["next"] is None:
            break
    return llms


@pytest.fixture(params=["first", "second"])
def both_ways(
    request: pytest.FixtureRequest, connections: list[list[httpx2.Client]]
) -> tuple[httpx2.Client, httpx2.Client]:
    """Give a connection to one worker and one to the other, both ways round."""
    (first, *_), (second, *_) = connections
    return (first, second) if request.param == "first" else (second, first)


def test_a_change_through_one_worker_is_seen_through_the_other(
    both_ways: tuple[httpx2.Client, httpx2.Client],
) -> None:
    here, there = both_ways
    created = shown(here.post(LLMS, json=an_llm()), 201)
    path = f"{LLMS}/{created['id']}"
    assert within_a_second(lambda: there.get(path).status_code == 200)
    assert shown(there.get(path)) == created

    updated = shown(here.put(path, json={"displayName": "After"}))
    assert within_a_second(lambda: bool(shown(there.get(path)) == updated))

    assert here.delete(path).status_code == 204
    assert within_a_second(lambda: there.get(path).status_code == 404)


def test_a_deleted_llm_that_the_other_worker_has_just_called_is_called_no_more(
    both_ways: tuple[httpx2.Client, httpx2.Client],
) -> None:
    here, there = both_ways
    nobody_listens = "http://127.0.0.1:9/v1/chat/completions"
    created = shown(here.post(LLMS, json=an_llm(urls=[{"url": nobody_listens}])), 201)
    call = {"model": created["id"], "messages": [{"role": "user", "content": "Hello"}]}
    assert there.post("/v1/chat/completions", json=call).status_code == 502

    assert here.delete(f"{LLMS}/{created['id']}").status_code == 204

    assert within_a_second(lambda: there.post("/v1/chat/completions", json=call).status_code == 404)


def test_a_revoked_key_is_refused_on_every_connection_within_a_second(
    tenant: Tenant, connections: list[list[httpx2.Client]]
) -> None:
    clients = [client for of_worker in connections for client in of_worker]
    assert [client.get(LLMS).status_code for client in clients] == [200] * 8

    revoked = tenant.dragoman.cli("key", "revoke", "admin", "--org", tenant.name)

    assert revoked.returncode == 0, revoked.stderr
    assert within_a_second(
        lambda: [client.get(LLMS).status_code for client in clients] == [401] * 8
    )
    shown(tenant.client("viewer").get(LLMS))


def test_a_hundred_simultaneous_creates_are_all_there_once_each_with_its_audit_row(
    tenant: Tenant, connections: list[list[httpx2.Client]]
) -> None:
    clients = [client for of_worker in connections for client in of_worker]
    starting = threading.Barrier(len(clients))

    def create(client: httpx2.Client, numbers: range) -> list[httpx2.Response]:
        starting.wait()
        return [client.post(LLMS, json=an_llm(displayName=f"number {n}")) for n in numbers]

    with ThreadPoolExecutor(len(clients)) as threads:
        shares = [range(first, 100, len(clients)) for first in range(len(clients))]
        answers = list(itertools.chain(*threads.map(create, clients, shares)))

    assert len({worker_of(answer) for answer in answers}) == 2
    created = [shown(answer, 201) for answer in answers]
    listed = _all(clients[0])
    assert sorted(llm["displayName"] for llm in listed) == sorted(f"number {n}" for n in range(100))
    assert {llm["id"] for llm in listed} == {llm["id"] for llm in created}
    assert listed == sorted(listed, key=lambda llm: (llm["createdAt"], llm["id"]), reverse=True)
    audited = tenant.audit()
    assert sorted(row.target_id for row in audited) == sorted(llm["id"] for llm in created)
    assert {row.request_id for row in audited} == {
        answer.headers["x-request-id"] for answer in answers
    }


def test_simultaneous_updates_of_different_members_lose_none_of_each_other(
    tenant: Tenant, connections: list[list[httpx2.Client]]
) -> None:
    (here, *_), (there, *_) = connections
    path = f"{LLMS}/{shown(here.post(LLMS, json=an_llm()), 201)['id']}"

    def update(client: httpx2.Client, member: str) -> None:
        for number in range(1, 26):
            shown(client.put(path, json={member: str(number)}))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(update, (here, there), ("description", "apiVersion")))

    updated = shown(here.get(path))
    assert (updated["description"], updated["apiVersion"]) == ("25", "25")
    assert len(tenant.audit()) == 51


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    """Run a server whose workers may be killed."""
    data_dir = tmp_path_factory.mktemp("mortal") / "data"
    with RunningDragoman.start(data_dir, workers=2) as running:
        yield running


def test_what_was_created_while_workers_were_killed_is_there_and_serving_goes_on(
    mortal: RunningDragoman,
) -> None:
    confirmed: list[str] = []
    failures: list[int] = []
    ending = threading.Event()

    def create_on_and_on(client: httpx2.Client) -> None:
        while not ending.is_set():
            with contextlib.suppress(httpx2.TransportError):  # its worker died
                answer = client.post(LLMS, json=an_llm())
                if answer.status_code == 201:
                    confirmed.append(answer.json()["id"])
                else:
                    failures.append(answer.status_code)

    def wait_for(count: int) -> None:
        deadline = time.monotonic() + 20
        while len(confirmed) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(confirmed) >= count

    def wait_for_two_workers() -> list[int]:
        deadline = time.monotonic() + 10
        while len(mortal.worker_pids()) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        return mortal.worker_pids()

    first_two = mortal.worker_pids()
    with Tenant(mortal) as tenant:
        with ThreadPoolExecutor(4) as threads:
            for _ in range(4):
                threads.submit(create_on_and_on, tenant.client())
            try:
                for victim in first_two:
                    wait_for(len(confirmed) + 50)
                    os.kill(victim, signal.SIGKILL)
                    wait_for(len(confirmed) + 50)
                    assert len(wait_for_two_workers()) == 2
            finally:
                ending.set()

        stored = [llm["id"] for llm in _all(tenant.client())]
        assert len(set(stored)) == len(stored)
        assert set(confirmed) <= set(stored)
        assert len(stored) - len(confirmed) <= 8  # what was under way at the two deaths
        assert sorted(row.target_id for row in tenant.audit()) == sorted(stored)
        assert failures == []
        assert set(first_two).isdisjoint(wait_for_two_workers())
        assert [tenant.client().get(LLMS).status_code for _ in range(20)] == [200] * 20
