"""Whoever the operator lets see credentials sees them on a server, and never the secret."""

from pathlib import Path

from tests.dialects.goodmem.registrations import an_llm
from tests.running import RunningDragoman

ASKED = {"includeCredentials": "true"}


def test_the_setting_names_the_roles_that_see_credentials(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data", credential_readers="admin, viewer") as server:
        with server.client() as admin:
            created = admin.post("/goodmem/v1/llms", json=an_llm())
            assert created.status_code == 201, created.text
        path = f"/goodmem/v1/llms/{created.json()['llm']['llmId']}"
        for role, status in (("admin", 200), ("viewer", 200), ("editor", 403), ("caller", 403)):
            with server.client(server.new_key(role, role)) as client:
                seen = client.get(path, params=ASKED)
            assert seen.status_code == status, seen.text
            assert ("credentials" in seen.json()) is (status == 200)
        given = server.cli(
            *("key", "create", "--role", "viewer", "--name", "n", "--plain"),
            *("--permissions", "llm:read:any,llm:read_credentials:any"),
        )
        assert given.returncode == 0, given.stderr
