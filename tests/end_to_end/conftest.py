"""One engine and one server with two workers for all tests of this folder."""

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.engine.server import Engine
from tests.running import RunningDragoman, registration

ENGINE_KEY = "sk-engine-4f1d7c"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Run llama.cpp's server, which wants its key."""
    with Engine.start(tmp_path_factory.mktemp("engine"), api_key=ENGINE_KEY) as engine:
        yield engine


@pytest.fixture(scope="session")
def dragoman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDragoman]:
    """Run Dragoman as it is shipped."""
    data_dir = tmp_path_factory.mktemp("dragoman") / "data"
    with RunningDragoman.start(data_dir, workers=2) as dragoman:
        yield dragoman


@pytest.fixture(scope="session")
def llm_id(dragoman: RunningDragoman, engine: Engine) -> str:
    """Register the engine through Anam's API, as `my-llm`."""
    body = registration(f"{engine.base_url}/chat/completions", secret=ENGINE_KEY)
    with dragoman.client() as client:
        answer = client.post("/anam/v1/llms", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def openai(dragoman: RunningDragoman, llm_id: str) -> Iterator[OpenAI]:
    """Give OpenAI's client, pointed at Dragoman."""
    with OpenAI(base_url=f"{dragoman.url}/v1", api_key=dragoman.admin_key, max_retries=0) as client:
        yield client
