"""A query that says two things is refused, and nothing is done of it."""

import pytest

from tests.running import RunningDragoman

LLM = {
    "display_name": "said twice",
    "protocol": "openai",
    "endpoints": [{"url": "https://one.example/v1"}],
    "model": "tiny",
}


def test_a_deletion_that_is_to_be_tried_and_to_be_done_is_refused(
    dragoman: RunningDragoman,
) -> None:
    with dragoman.client() as client:
        path = client.post("/api/v1/llms", json=LLM).raise_for_status().headers["location"]
        for query in ("dry_run=true&dry_run=false", "dry_run=false&dry_run=true"):
            answer = client.delete(f"{path}?{query}")
            assert answer.status_code == 400
            assert [error["path"] for error in answer.json()["errors"]] == ["dry_run"]
        assert client.get(path).status_code == 200
        assert client.delete(path).status_code == 204


@pytest.mark.parametrize(
    "query",
    [
        "llms?page_size=1&page_size=2",
        "llms?include_platform=true&include_platform=true",
        "keys?organization_id=&organization_id=",
        "audit?since=2026-01-01T00:00:00Z&since=2026-01-01T00:00:00Z",
        "me?x=1&x=2",
    ],
)
def test_a_parameter_that_is_there_twice_is_refused_by_its_name(
    dragoman: RunningDragoman, query: str
) -> None:
    with dragoman.client() as client:
        answer = client.get(f"/api/v1/{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "duplicate"


@pytest.mark.parametrize(
    "query",
    [
        "ownerId={id}&owner_id={id}",
        "providerType=VLLM&providerType=OLLAMA",
        "label.env=prod&label%5Benv%5D=prod",
    ],
)
def test_goodmems_parameters_may_be_there_in_one_of_their_spellings(
    dragoman: RunningDragoman, query: str
) -> None:
    some_id = "01999999-0000-7000-8000-000000000000"
    with dragoman.client() as client:
        answer = client.get(f"/goodmem/v1/llms?{query.format(id=some_id)}")
    assert answer.status_code == 400
    assert "is there twice" in answer.json()["error"]


def test_several_kinds_of_uniqueness_are_several_values(dragoman: RunningDragoman) -> None:
    query = "unique=name&unique=connection&dry_run=true"
    with dragoman.client() as client:
        assert client.post(f"/api/v1/llms?{query}", json=LLM).status_code == 200


def test_a_name_that_is_no_parameters_is_not_repeated(dragoman: RunningDragoman) -> None:
    secret = "sk-canary-3f9a"
    with dragoman.client() as client:
        answer = client.get(f"/api/v1/llms?{secret}=1&{secret}=2")
    assert answer.status_code == 400
    assert secret not in answer.text
