"""No answer ever reaches another caller, and nothing hangs.

A load tool that counts statuses does not see this fault: connections given back to the pool too
early passed every test of single requests, and sent one answer in thirty to the wrong caller.
"""

import asyncio
import json
from itertools import chain
from typing import Any

import httpx2

from tests.marking_upstream import STREAMED_CHUNKS, marking_upstream
from tests.running import RunningDragoman, registration

CALLERS = 300
CALLS_EACH = 6


async def test_every_caller_gets_its_own_answer(dragoman: RunningDragoman) -> None:
    with marking_upstream() as base_url, dragoman.client() as client:
        body = registration(f"{base_url}/chat/completions", displayName="marking")
        assert client.post("/anam/v1/llms", json=body).status_code == 201
        limits = httpx2.Limits(max_connections=CALLERS)
        async with httpx2.AsyncClient(
            base_url=dragoman.url,
            headers={"authorization": f"Bearer {dragoman.admin_key}"},
            limits=limits,
            timeout=60,
        ) as http:
            async with asyncio.timeout(90):
                foreign = await asyncio.gather(*(_call(http, caller) for caller in range(CALLERS)))
    assert list(chain.from_iterable(foreign)) == []


async def _call(http: httpx2.AsyncClient, caller: int) -> list[str]:
    """Call several times, streamed and not in turn; gives every answer that was not ours."""
    wrong = []
    for number in range(CALLS_EACH):
        mark = f"caller {caller}, call {number}"
        body: dict[str, Any] = {"model": "marking", "messages": [{"role": "user", "content": mark}]}
        if number % 2:
            answer = await http.post("/v1/chat/completions", json=body)
            got = [answer.json()["choices"][0]["message"]["content"]]
            expected = [mark]
        else:
            got, expected = await _streamed(http, body), [mark] * STREAMED_CHUNKS
        if got != expected:
            wrong.append(f"{mark}: {got}")
    return wrong


async def _streamed(http: httpx2.AsyncClient, body: dict[str, Any]) -> list[str]:
    async with http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as answer:
        events = [line.removeprefix("data: ") async for line in answer.aiter_lines() if line]
    assert events.pop() == "[DONE]"
    return [json.loads(event)["choices"][0]["delta"]["content"] for event in events]
