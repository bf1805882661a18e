"""GoodMem's published SDKs, pointed at a running server; nothing but URL and key is changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import goodmem_client
from goodmem import AsyncGoodmem, Goodmem

from tests.running import RunningDragoman

BASES = ("", "/goodmem")
"""The bare host, where `x-api-key` says which API is meant, and the dialect's own prefix."""

ENDPOINT_URL = "https://models.example.com/v1"


def sdk(dragoman: RunningDragoman, key: str | None = None, base: str = "/goodmem") -> Goodmem:
    """Give the client of `goodmem`; a context manager."""
    return Goodmem(base_url=f"{dragoman.url}{base}", api_key=key or dragoman.admin_key)


def async_sdk(dragoman: RunningDragoman, key: str | None = None) -> AsyncGoodmem:
    """Give its asynchronous client; a context manager."""
    return AsyncGoodmem(base_url=f"{dragoman.url}/goodmem", api_key=key or dragoman.admin_key)


@contextmanager
def old_client(
    dragoman: RunningDragoman, key: str | None = None, base: str = "/goodmem"
) -> Iterator[goodmem_client.ApiClient]:
    """Give the client of `goodmem-client`."""
    configuration = goodmem_client.Configuration(host=f"{dragoman.url}{base}")
    with goodmem_client.ApiClient(configuration) as client:
        client.default_headers["x-api-key"] = key or dragoman.admin_key
        yield client


def new_llm(name: str, **members: Any) -> dict[str, Any]:
    """Write the arguments that register an LLM which nobody else registers."""
    return {
        "display_name": name,
        "provider_type": "CUSTOM_OPENAI_COMPATIBLE",
        "endpoint_url": ENDPOINT_URL,
        "model_identifier": f"model-of-{name}",
    } | members
