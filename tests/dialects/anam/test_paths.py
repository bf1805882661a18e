"""What is not there: 404; what is there, but not like this: 405."""

import httpx2
import pytest

from tests.dialects.anam.answers import error
from tests.dialects.anam.tenants import SOME_ID


@pytest.mark.parametrize(
    "llm_id", [SOME_ID, "1", "not-a-uuid", "%00", "%ff", "%2e%2e", "a" * 2000, "*", "' OR 1=1 --"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_id_that_nobody_has_is_not_found_whatever_it_looks_like(
    admin: httpx2.Client, llms: str, method: str, llm_id: str
) -> None:
    body = {"displayName": "After"} if method == "PUT" else None
    answer = admin.request(method, f"{llms}/{llm_id}", json=body)
    assert error(answer, 404) == "There is no LLM with this id."


@pytest.mark.parametrize(
    "path",
    [
        "/anam",
        "/anam/",
        "/anam/v1",
        "/anam/v1/",
        "/anam/v2/llms",
        "/anam/v1/LLMs",
        "/anam/v1/llms/",
        "/anam//v1/llms",
        f"/anam/v1/llms/{SOME_ID}/",
        f"/anam/v1/llms/{SOME_ID}/secret",
        "/anam/anam/v1/llms",
        "/anam/docs",
        "/anam/openapi.json",
        "/anam/healthz",
        "/v1/llms/",
        f"/v1/llms/{SOME_ID}/",
        f"/v1/llms/{SOME_ID}/secret",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_that_does_not_exist_is_told_so_in_anams_shape(
    admin: httpx2.Client, method: str, path: str
) -> None:
    assert error(admin.request(method, path), 404) == "There is nothing at this path."


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "OPTIONS"])
def test_the_list_takes_get_and_post(admin: httpx2.Client, llms: str, method: str) -> None:
    answer = admin.request(method, llms)
    assert error(answer, 405) == "This method does not exist here."
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize("method", ["PATCH", "POST", "OPTIONS"])
def test_one_llm_takes_get_put_and_delete(admin: httpx2.Client, llms: str, method: str) -> None:
    answer = admin.request(method, f"{llms}/{SOME_ID}")
    assert error(answer, 405) == "This method does not exist here."
    assert set(answer.headers["allow"].split(", ")) == {"GET", "PUT", "DELETE"}
