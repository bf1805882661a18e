"""What the OpenAPI descriptions say is what the server does, also with what they do not allow."""

import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from dragoman.registry.keys import NewKey
from tests.dialects.anam.tenants import query
from tests.dialects.dragoman.registrations import an_llm
from tests.running import RunningDragoman, registration

DESCRIPTIONS = Path(__file__).parents[2] / "docs" / "openapi"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
)
HEADERS = {
    "anam": "Authorization: Bearer ",
    "dragoman": "Authorization: Bearer ",
    "goodmem": "x-api-key: ",
}
PATH_PARAMETERS = {"anam": "llm_id", "dragoman": "llm_id", "goodmem": "id"}
EXAMPLES = 8
DEADLINE_S = 80


class Run(NamedTuple):
    """Which operations are tried, and as whom."""

    surface: str
    prefix: str
    role: str
    operations: tuple[str, ...]
    reaches: frozenset[str]
    """What has to have been done at least once, or nothing was tried in earnest."""


ENDS_WHO_ASKS = "--exclude-operation-id-regex=^(delete_key|delete_principal|create_organization)$"
"""An admin's key would soon be among those that are ended."""
TAKES_LONG = "--exclude-operation-id-regex=^pingStream$"
"""Of an LLM that one of the others has made, it may be asked to make a hundred probes."""
ON_LLMS = frozenset({"llm.create", "llm.update", "llm.delete"})
RUNS = {
    "anam": Run("anam", "/anam", "admin", (), ON_LLMS),
    "dragoman": Run("dragoman", "/api", "admin", (ENDS_WHO_ASKS,), ON_LLMS),
    "goodmem": Run("goodmem", "/goodmem", "admin", (TAKES_LONG,), ON_LLMS),
    "goodmem, pinging": Run(
        "goodmem",
        "/goodmem",
        "admin",
        (TAKES_LONG.replace("exclude", "include"),),
        frozenset(),
    ),
    "dragoman, operators": Run(
        "dragoman",
        "/api",
        "operator",
        (ENDS_WHO_ASKS.replace("exclude", "include"),),
        frozenset({"organization.create"}),
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_description_says_what_the_server_does(
    dragoman: RunningDragoman, keys: dict[str, NewKey], tmp_path: Path, name: str
) -> None:
    run = RUNS[name]
    with dragoman.client(keys["admin"].text) as client:
        (tmp_path / "schemathesis.toml").write_text(_configuration(client, run))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color", "run"),
            str(DESCRIPTIONS / f"{run.surface}.json"),
            f"--url={dragoman.url}{run.prefix}",
            f"--header={HEADERS[run.surface]}{keys[run.role].text}",
            f"--checks={','.join(CHECKS)}",
            "--phases=examples,coverage,fuzzing",
            f"--max-examples={EXAMPLES}",
            "--continue-on-failure",
            "--generation-deterministic",
            "--warnings=off",
            *run.operations,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unexpected_error" not in dragoman.log
    reached = query(
        dragoman, "SELECT DISTINCT action FROM audit WHERE key_id = ?", keys[run.role].key.id
    )
    assert run.reaches <= {action for (action,) in reached}


def _configuration(client: httpx2.Client, run: Run) -> str:
    """Name an LLM for each operation that needs one, so that it gets past the 404."""
    parameter = PATH_PARAMETERS[run.surface]
    lines = []
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        path, body = _creation(run)
        made = client.post(path, json=body)
        assert made.status_code == 201, made.text
        llm = made.json().get("llm", made.json())
        lines += [
            "[[operations]]",
            f'include-name = "{method} /v1/llms/{{{parameter}}}"',
            f'parameters = {{ "path.{parameter}" = "{llm.get("id") or llm["llmId"]}" }}',
        ]
    return "\n".join(lines)


def _creation(run: Run) -> tuple[str, dict[str, Any]]:
    url = "https://api.openai.com/v1/chat/completions"
    if run.surface == "anam":
        return "/anam/v1/llms", registration(url)
    if run.surface == "goodmem":
        name = uuid.uuid4().hex
        return "/goodmem/v1/llms", {
            "displayName": name,
            "providerType": "OPENAI",
            "endpointUrl": "https://api.openai.com/v1",
            "modelIdentifier": name,
        }
    return "/api/v1/llms", an_llm()
