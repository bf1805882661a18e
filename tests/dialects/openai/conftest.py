"""A server with two workers, and an upstream that does what a test tells it."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx2
import pytest

from tests.background import in_background
from tests.running import RunningDragoman, registration
from tests.scripted_upstream import ScriptedUpstream, Step, serving

_numbers = itertools.count()

Registered = tuple[str, ScriptedUpstream]
"""An LLM's name, and the server that its calls reach."""

Upstreams = Callable[..., AbstractContextManager[Registered]]


@pytest.fixture(scope="module")
def dragoman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    data_dir = tmp_path_factory.mktemp("dragoman") / "data"
    settings = {"region": "eu-west-1", "trace_hosts": "localhost"}
    with RunningDragoman.start(data_dir, workers=2, **settings) as dragoman:
        yield dragoman


@pytest.fixture
def client(dragoman: RunningDragoman) -> Iterator[httpx2.Client]:
    with dragoman.client() as client:
        yield client


@pytest.fixture
def upstream(client: httpx2.Client) -> Upstreams:
    """Register an LLM whose server carries out the given steps, with other members if wanted."""

    @contextmanager
    def registered(*script: Step | list[Step], **members: object) -> Iterator[Registered]:
        with in_background(serving(*script)) as server:
            name = f"llm-{next(_numbers)}"
            url = f"{server.url}/v1/chat/completions?tenant=a%20b"
            body = registration(url, displayName=name) | members
            answer = client.post("/anam/v1/llms", json=body)
            assert answer.status_code == 201, answer.text
            yield str(body["displayName"]), server

    return registered
