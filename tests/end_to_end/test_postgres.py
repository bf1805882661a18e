"""Two machines with two workers each on one PostgreSQL, which is stopped, and they are killed."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx2
import psycopg
import pytest

from tests.cli.processes import eventually
from tests.marking_upstream import marking_upstream
from tests.postgres import PostgresServer
from tests.running import RunningDragoman, registration

FELT_WITHIN_S = 1.0
RECOVERED_WITHIN_S = 5.0
STALE = "x-dragoman-stale"
ENOUGH_FOR_EVERY_WORKER = 16


class Cluster(NamedTuple):
    """Two machines, their database and somebody to call."""

    first: RunningDragoman
    second: RunningDragoman
    server: PostgresServer
    url: str
    upstream: str

    def register(self, name: str) -> str:
        """Register an LLM on the first machine; gives its id."""
        body = registration(f"{self.upstream}/chat/completions", displayName=name)
        with self.client(self.first) as client:
            answer = client.post("/anam/v1/llms", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def client(self, machine: RunningDragoman, key: str | None = None) -> httpx2.Client:
        """Give a client of a machine; the admin key is the first one's."""
        return machine.client(key or self.first.admin_key)

    def statuses(self, model: str, key: str | None = None) -> set[int]:
        """Call an LLM over so many fresh connections that every worker has been asked."""
        found = set()
        for machine in (self.first, self.second):
            with self.client(machine, key) as client:
                client.headers["connection"] = "close"
                for _ in range(ENOUGH_FOR_EVERY_WORKER):
                    found.add(call(client, model).status_code)
        return found

    def revisions(self) -> list[int]:
        """List the numbers of all changes."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT revision FROM audit ORDER BY revision").fetchall()
        return [revision for (revision,) in rows]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start the machines one after the other; the second has a copy of the key file."""
    folder = tmp_path_factory.mktemp("cluster")
    with PostgresServer.start() as server, marking_upstream() as upstream:
        url = server.new_database()
        with RunningDragoman.start(folder / "one", workers=2, database_url=url) as first:
            (folder / "two").mkdir()
            shutil.copy(first.data_dir / "kek", folder / "two" / "kek")
            with RunningDragoman.start(folder / "two", workers=2, database_url=url) as second:
                yield Cluster(first, second, server, url, upstream)


def test_the_second_machine_finds_what_the_first_has_made(cluster: Cluster) -> None:
    assert not (cluster.second.data_dir / "admin.key").exists()
    assert not (cluster.first.data_dir / "dragoman.db").exists()
    for machine in (cluster.first, cluster.second):
        assert httpx2.get(f"{machine.url}/readyz").json() == {"status": "ready", "database": "ok"}


def test_every_change_is_felt_by_every_worker_within_a_second(cluster: Cluster) -> None:
    key = cluster.first.new_key("caller", "to revoke")
    llm_id = cluster.register("felt")
    assert cluster.statuses("felt", key) == {200}
    with cluster.client(cluster.second) as client:
        changed = client.put(f"/anam/v1/llms/{llm_id}", json={"displayName": "renamed"})
        assert changed.status_code == 200, changed.text
    time.sleep(FELT_WITHIN_S)
    assert cluster.statuses("felt", key) == {404}
    assert cluster.statuses("renamed", key) == {200}
    assert cluster.first.cli("key", "revoke", "to revoke").returncode == 0
    time.sleep(FELT_WITHIN_S)
    assert cluster.statuses("renamed", key) == {401}
    with cluster.client(cluster.second) as client:
        assert client.delete(f"/anam/v1/llms/{llm_id}").is_success
    time.sleep(FELT_WITHIN_S)
    assert cluster.statuses("renamed") == {404}


def test_simultaneous_creates_are_all_stored_and_numbered_without_a_hole(cluster: Cluster) -> None:
    def create(number: int) -> int:
        machine = (cluster.first, cluster.second)[number % 2]
        body = registration(f"{cluster.upstream}/chat/completions", displayName=f"many-{number}")
        with cluster.client(machine) as client:
            return client.post("/anam/v1/llms", json=body).status_code

    with ThreadPoolExecutor(20) as callers:
        assert list(callers.map(create, range(20))) == [201] * 20
    revisions = cluster.revisions()
    assert revisions == list(range(1, len(revisions) + 1))
    with cluster.client(cluster.second) as client:
        found = client.get("/anam/v1/llms", params={"perPage": 100, "search": "many-"}).json()
    assert len(found["data"]) == 20


def test_calls_go_on_while_the_database_is_away_and_the_registry_recovers(
    cluster: Cluster,
) -> None:
    cluster.register("remembered")
    assert cluster.statuses("remembered") == {200}
    cluster.server.stop()
    try:
        assert cluster.statuses("remembered") == {200}
        for machine in (cluster.first, cluster.second):
            with cluster.client(machine) as client:
                assert client.get("/anam/v1/llms").status_code == 503
                body = registration(f"{cluster.upstream}/chat/completions")
                assert client.post("/anam/v1/llms", json=body).status_code == 503
                ready = client.get("/readyz")
                assert ready.status_code == 200
                assert ready.json() == {"status": "ready", "database": "unreachable"}
                assert eventually(lambda: is_stale(client))
                assert client.get("/healthz").status_code == 200
    finally:
        cluster.server.run()
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    for machine in (cluster.first, cluster.second):
        with cluster.client(machine) as client:
            while client.get("/anam/v1/llms").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    time.sleep(FELT_WITHIN_S)
    assert cluster.statuses("remembered") == {200}
    for machine in (cluster.first, cluster.second):
        with cluster.client(machine) as client:
            assert eventually(lambda: not is_stale(client))
    cluster.register("afterwards")
    time.sleep(FELT_WITHIN_S)
    assert cluster.statuses("afterwards") == {200}


def test_what_is_remembered_is_believed_for_so_long_and_no_longer(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.register("believed")
    data_dir = tmp_path / "three"
    data_dir.mkdir()
    shutil.copy(cluster.first.data_dir / "kek", data_dir / "kek")
    third = RunningDragoman.start(data_dir, database_url=cluster.url, stale_max_s="1.5")
    with third, cluster.client(third) as client:
        assert call(client, "believed").status_code == 200
        cluster.server.stop()
        try:
            answer = call(client, "believed")
            assert answer.status_code == 200
            assert eventually(lambda: client.get("/readyz").status_code == 503)
            refused = call(client, "believed")
            assert refused.status_code == 503
            assert int(refused.headers[STALE]) >= 2
            not_ready = {"status": "not ready", "database": "unreachable"}
            assert client.get("/readyz").json() == not_ready
        finally:
            cluster.server.run()
        assert eventually(lambda: call(client, "believed").status_code == 200)
        assert eventually(lambda: not is_stale(client, "believed"))
        assert client.get("/readyz").json() == {"status": "ready", "database": "ok"}


def call(client: httpx2.Client, model: str) -> httpx2.Response:
    """Call an LLM of the marking upstream."""
    body = {"model": model, "messages": [{"role": "user", "content": "mark"}]}
    return client.post("/v1/chat/completions", json=body)


def is_stale(client: httpx2.Client, model: str = "remembered") -> bool:
    """Tell whether an answer says for how long nothing was heard of changes."""
    return int(call(client, model).headers.get(STALE, 0)) >= 1


def test_a_worker_that_is_killed_within_a_write_leaves_nothing_and_holds_up_nobody(
    cluster: Cluster,
) -> None:
    def create() -> None:
        with cluster.client(cluster.first) as client, pytest.raises(httpx2.TransportError):
            client.post("/anam/v1/llms", json=body)

    body = registration(f"{cluster.upstream}/chat/completions", displayName="half-made")
    revisions = cluster.revisions()
    with psycopg.connect(cluster.url) as blocker:
        blocker.execute("LOCK TABLE audit IN SHARE MODE")
        creating = threading.Thread(target=create)
        creating.start()
        waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'audit'"
        with psycopg.connect(cluster.url, autocommit=True) as observer:
            while not observer.execute(waiting).fetchall():
                time.sleep(0.02)
        for pid in cluster.first.worker_pids():
            os.kill(pid, signal.SIGKILL)
        creating.join()
    with cluster.client(cluster.second) as client:
        began = time.monotonic()
        other = body | {"displayName": "whole"}
        assert client.post("/anam/v1/llms", json=other).status_code == 201
        assert time.monotonic() - began < RECOVERED_WITHIN_S
        found = client.get("/anam/v1/llms", params={"search": "half-made"}).json()
    assert found["data"] == []
    assert cluster.revisions() == [*revisions, len(revisions) + 1]


def test_a_character_that_cannot_be_stored_is_the_callers_fault(cluster: Cluster) -> None:
    body = registration(f"{cluster.upstream}/chat/completions", description="a\0b")
    with cluster.client(cluster.first) as client:
        assert client.post("/anam/v1/llms", json=body).status_code == 400
        assert client.get("/anam/v1/llms", params={"search": "\0"}).status_code == 400


def test_no_log_line_shows_the_database_url(cluster: Cluster) -> None:
    for machine in (cluster.first, cluster.second):
        assert "postgresql://" not in machine.log + machine.output


def test_the_data_directory_of_a_machine_holds_no_database(cluster: Cluster) -> None:
    assert sorted(Path(cluster.second.data_dir).iterdir()) == [
        cluster.second.data_dir / "kek",
        cluster.second.data_dir / "lock",
        cluster.second.data_dir / "serving",
    ]
