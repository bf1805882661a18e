"""One connection of one owner is there once, however many ask for it at the same time."""

import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx2
import pytest

from tests.postgres import PostgresServer
from tests.running import RunningDragoman, registration

AT_ONCE = 100
THREADS = 25


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def machines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[RunningDragoman]]:
    """Run two workers on SQLite; on PostgreSQL two machines of two workers each."""
    folder = tmp_path_factory.mktemp("duplicates")
    if request.param == "sqlite":
        with RunningDragoman.start(folder / "one", workers=2) as only:
            yield [only]
        return
    with PostgresServer.start() as server:
        url = server.new_database()
        with RunningDragoman.start(folder / "one", workers=2, database_url=url) as first:
            (folder / "two").mkdir()
            shutil.copy(first.data_dir / "kek", folder / "two" / "kek")
            with RunningDragoman.start(folder / "two", workers=2, database_url=url) as second:
                yield [first, second]


SPELLINGS: tuple[dict[str, object], ...] = (
    {"endpointUrl": "https://models.example.com/v1", "apiPath": "/chat/completions"},
    {"endpointUrl": "https://Models.Example.com:443/v1"},
    {"endpointUrl": "HTTPS://models.example.com/v1", "apiPath": ""},
    {"endpointUrl": "https://models.example.com", "apiPath": "/v1/chat/completions"},
    {"endpointUrl": "https://models.example.com/v1/", "apiPath": None},
)
"""Ways to write one URL."""


def a_body(number: int, model: str) -> dict[str, object]:
    """Write a registration of one connection, a little differently each time."""
    key = {"inlineSecret": "sk-4f1d7c-secret"} | (
        {"headerName": "authorization", "prefix": "Bearer "} if number % 2 else {}
    )
    body: dict[str, object] = {
        "displayName": f"number {number}",
        "providerType": "CUSTOM_OPENAI_COMPATIBLE",
        "modelIdentifier": model,
        "credentials": {"kind": "CREDENTIAL_KIND_API_KEY", "apiKey": key},
    }
    return body | SPELLINGS[number % len(SPELLINGS)]


def at_once(
    machines: list[RunningDragoman], bodies: list[dict[str, object]]
) -> list[httpx2.Response]:
    """Send all of these at the same time, over a connection each, to each machine in turn."""
    key = machines[0].admin_key
    start = Barrier(THREADS)

    def send(numbers: range) -> list[httpx2.Response]:
        start.wait()
        found = []
        for number in numbers:
            machine = machines[number % len(machines)]
            with httpx2.Client(base_url=machine.url, timeout=60) as client:
                headers = {"x-api-key": key}
                found.append(client.post("/v1/llms", json=bodies[number], headers=headers))
        return found

    parts = [range(first, len(bodies), THREADS) for first in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        return [answer for answers in pool.map(send, parts) for answer in answers]


def test_of_a_hundred_registrations_at_once_one_is_made(machines: list[RunningDragoman]) -> None:
    model = f"model-{uuid.uuid4()}"
    answers = at_once(machines, [a_body(number, model) for number in range(AT_ONCE)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: AT_ONCE - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "ALREADY_EXISTS"
    }
    with machines[-1].client(machines[0].admin_key) as client:
        listed = client.get("/goodmem/v1/llms").json()["llms"]
    assert sum(llm["modelIdentifier"] == model for llm in listed) == 1


def test_of_a_hundred_updates_at_once_to_one_connection_one_is_done(
    machines: list[RunningDragoman],
) -> None:
    model, key = f"model-{uuid.uuid4()}", machines[0].admin_key
    bodies = [a_body(number, f"{model}-{number}") for number in range(20)]
    ids = [answer.json()["llm"]["llmId"] for answer in at_once(machines, bodies)]

    def rename(llm_id: str) -> int:
        machine = machines[ids.index(llm_id) % len(machines)]
        with machine.client(key) as client:
            body = {"modelIdentifier": model, "endpointUrl": SPELLINGS[0]["endpointUrl"]}
            body |= {"apiPath": "/chat/completions"}
            return client.put(f"/goodmem/v1/llms/{llm_id}", json=body).status_code

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(rename, ids)) == {200: 1, 409: 19}


def test_an_llm_of_anams_api_with_the_full_url_is_the_same_connection(
    machines: list[RunningDragoman],
) -> None:
    model = f"model-{uuid.uuid4()}"
    url = "https://models.example.com/v1/chat/completions"
    with machines[0].client() as client:
        body = registration(url, secret="sk-4f1d7c-secret") | {"modelName": model}
        assert client.post("/anam/v1/llms", json=body).status_code == 201
        assert client.post("/anam/v1/llms", json=body).status_code == 201
        assert client.post("/goodmem/v1/llms", json=a_body(0, model)).status_code == 409


def test_another_owner_and_another_organization_may_have_the_same(
    machines: list[RunningDragoman],
) -> None:
    model, name = f"model-{uuid.uuid4()}", str(uuid.uuid4())
    machine = machines[0]
    assert machine.cli("org", "create", "--name", name).returncode == 0
    elsewhere = machine.cli(
        *("key", "create", "--role", "admin", "--name", name, "--org", name, "--plain")
    ).stdout.strip()
    for key in (machine.admin_key, machine.new_key("editor"), elsewhere):
        with machine.client(key) as client:
            assert client.post("/goodmem/v1/llms", json=a_body(0, model)).status_code == 201
            assert client.post("/goodmem/v1/llms", json=a_body(1, model)).status_code == 409
