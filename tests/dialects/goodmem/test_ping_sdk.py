"""GoodMem's own clients understand our pings."""

import asyncio
import json
import warnings
from importlib import import_module
from typing import Any

import pytest
from goodmem import Goodmem
from goodmem.errors import BadRequestError, NotFoundError

from tests.dialects.goodmem.pinging import SOME_ID, Service


async def pinged(good: Service, method: str, **asked: Any) -> Any:
    """Call a method of the client's ping from a thread, as programs without a loop do."""
    key = good.http.headers["x-api-key"]

    def call() -> Any:
        with Goodmem(base_url=str(good.http.base_url), api_key=key, timeout=60) as client:
            found: Any = client  # its parts are not in its types
            return getattr(found.ping, method)(**asked)

    return await asyncio.to_thread(call)


async def test_the_newer_client_reads_one_probe(good: Service) -> None:
    result = await pinged(good, "once", target_id=good.llm_id, timeout_ms=9000, payload="hi")
    assert (result.ok, result.http_status, result.endpoint.model_identifier) == (True, 200, "tiny")
    assert result.timing.client_send_time_unix_nanos <= result.timing.client_receive_time_unix_nanos


async def test_the_newer_client_reads_a_stream(good: Service) -> None:
    asked = {"count": 2, "interval_ms": 1, "jitter": True, "labels": {"a": "b"}}
    events = await pinged(good, "stream", target_id=good.llm_id, stream=False, **asked)
    notice, first, second, last = events
    assert notice.notice.code == "LIMIT_APPLIED"
    assert (first.result.seq, second.result.seq, last.summary.ok) == (1, 2, 2)
    assert last.summary.applied_limits == {"intervalMs": "100"}


@pytest.mark.parametrize(
    ("target_id", "kind"), [(SOME_ID, NotFoundError), ("not-an-id", BadRequestError)]
)
async def test_the_newer_client_raises_what_it_knows(
    good: Service, target_id: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await pinged(good, "once", target_id=target_id)


async def test_the_models_of_the_older_client_read_one_probe_and_each_event(good: Service) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it says that there is a newer one
        models = import_module("goodmem_client.models")
    once = models.PingResult.from_json((await good.once(timeoutMs=99_999)).text)
    assert once is not None
    assert once.ok
    for event in await good.events(count=1, intervalMs=1):
        assert models.PingEvent.from_json(json.dumps(event)).actual_instance is not None
