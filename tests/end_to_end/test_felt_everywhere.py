"""A revocation, a deletion, a grant taken: felt by every process within a second, on both engines.

Three servers on one database, each a process of its own that remembers what it has read. In 200
rounds something ends on one of them, and the others are asked until they refuse it.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import ExitStack
from itertools import cycle

import httpx2
import pytest

from tests.borrowing import beside
from tests.marking_upstream import marking_upstream
from tests.postgres import PostgresServer
from tests.running import RunningDragoman, registration

ROUNDS = 200
AT_ONCE = 20
FELT_S = 1.0
"""What is promised."""
GIVEN_UP_S = 10.0

Ask = Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[RunningDragoman]]:
    """Start three servers that share a database and a key file, on each engine in turn."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as running:
        patch = running.enter_context(pytest.MonkeyPatch.context())
        for number in range(ROUNDS):
            patch.setenv(f"HELD_{number}", f"sk-held-{number}")
        if request.param == "sqlite":
            started = [RunningDragoman.start(folder / "first")]
            running.enter_context(started[0])
            for name in ("second", "third"):
                (folder / name).symlink_to(folder / "first")
                started.append(running.enter_context(RunningDragoman.start(folder / name)))
        else:
            postgres = request.getfixturevalue("postgres")
            assert isinstance(postgres, PostgresServer)
            url = postgres.new_database()
            started = [RunningDragoman.start(folder / "first", database_url=url)]
            running.enter_context(started[0])
            for name in ("second", "third"):
                (folder / name).mkdir(mode=0o700)
                shutil.copy(folder / "first" / "kek", folder / name / "kek")
                other = RunningDragoman.start(folder / name, database_url=url)
                started.append(running.enter_context(other))
        yield started


@pytest.fixture
async def clients(servers: list[RunningDragoman]) -> AsyncIterator[list[httpx2.AsyncClient]]:
    """Give one HTTP client for each server; all of them carry the first admin's key."""
    headers = {"authorization": f"Bearer {servers[0].admin_key}"}
    opened = [
        httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=30) for server in servers
    ]
    yield opened
    for client in opened:
        await client.aclose()


REFUSED = frozenset({401, 404})


async def accepted_for(ask: Ask, client: httpx2.AsyncClient, since: float) -> float:
    """Ask until it is refused; gives how long after `since` it was still accepted [s]."""
    return await lasted(ask, client, since, REFUSED)


async def lasted(
    ask: Ask, client: httpx2.AsyncClient, since: float, over: Collection[int]
) -> float:
    """Ask until the status is one of these; gives how long after `since` it was not [s]."""
    last_at = since
    while True:
        asked_at = time.monotonic()
        if (await ask(client)).status_code in over:
            return last_at - since
        last_at = asked_at
        assert asked_at < since + GIVEN_UP_S, "it is never felt"
        await asyncio.sleep(0.02)


async def in_rounds(one_round: Callable[[int], Awaitable[float]]) -> None:
    """Run all rounds, some at a time; none may take longer than is promised."""
    for start in range(0, ROUNDS, AT_ONCE):
        took = await asyncio.gather(*(one_round(start + n) for n in range(AT_ONCE)))
        assert max(took) < FELT_S


async def test_a_revoked_key_is_refused_by_three_processes(
    clients: list[httpx2.AsyncClient],
) -> None:
    firsts = cycle(clients)

    async def one_round(number: int) -> float:
        here = next(firsts)
        body = {"name": f"round {number}", "role": "caller"}
        made = (await here.post("/api/v1/keys", json=body)).raise_for_status().json()

        async def ask(client: httpx2.AsyncClient) -> httpx2.Response:
            return await client.get(
                "/v1/models", headers={"authorization": f"Bearer {made['key']}"}
            )

        for client in clients:
            assert (await ask(client)).status_code == 200
        assert (await here.delete(f"/api/v1/keys/{made['id']}")).status_code == 204
        revoked_at = time.monotonic()
        return max(
            await asyncio.gather(*(accepted_for(ask, client, revoked_at) for client in clients))
        )

    await in_rounds(one_round)


async def test_a_deleted_llm_is_called_by_none_of_three_processes(
    clients: list[httpx2.AsyncClient],
) -> None:
    firsts = cycle(clients)
    with marking_upstream() as base:

        async def one_round(number: int) -> float:
            here = next(firsts)
            body = registration(f"{base}/chat/completions", displayName=f"round {number}")
            made = (await here.post("/v1/llms", json=body)).raise_for_status().json()
            call = {"model": made["id"], "messages": [{"role": "user", "content": "mark"}]}

            async def ask(client: httpx2.AsyncClient) -> httpx2.Response:
                return await client.post("/v1/chat/completions", json=call)

            for client in clients:
                assert (await ask(client)).status_code == 200
            assert (await here.delete(f"/v1/llms/{made['id']}")).status_code == 204
            deleted_at = time.monotonic()
            return max(
                await asyncio.gather(*(accepted_for(ask, client, deleted_at) for client in clients))
            )

        await in_rounds(one_round)


async def test_a_grant_that_is_given_and_taken_is_felt_by_three_processes(
    servers: list[RunningDragoman], clients: list[httpx2.AsyncClient]
) -> None:
    with marking_upstream() as base:
        async with beside(servers[0]) as operator:

            async def one_round(number: int) -> float:
                secret, name = f"env://HELD_{number}", f"held {number}"
                grant = await operator.grant(secret, base.removesuffix("/v1"))
                given_at = time.monotonic()
                await operator.register(f"{base}/chat/completions", secret, name)
                call = {"model": name, "messages": [{"role": "user", "content": "mark"}]}

                async def ask(client: httpx2.AsyncClient) -> httpx2.Response:
                    return await client.post("/v1/chat/completions", json=call)

                given = await asyncio.gather(
                    *(lasted(ask, client, given_at, {200}) for client in clients)
                )
                await operator.take(grant)
                taken_at = time.monotonic()
                taken = await asyncio.gather(
                    *(lasted(ask, client, taken_at, {502}) for client in clients)
                )
                return max(*given, *taken)

            await in_rounds(one_round)
