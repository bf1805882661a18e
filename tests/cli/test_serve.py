"""`dragoman serve`: what a first start makes, and what a second one leaves alone."""

import fcntl
import os
import re
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dragoman import __version__
from tests.cli.command import begin, dragoman, environment
from tests.cli.conftest import contents
from tests.cli.processes import HANG_S, eventually
from tests.running import RunningDragoman

KEY = re.compile(r"dgm_[a-z2-7]{39}")


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Let new files have whatever mode their makers ask for."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_the_first_start_makes_what_only_its_owner_can_read(tmp_path: Path, no_umask: None) -> None:
    with RunningDragoman.start(tmp_path / "data"):
        modes = {path.name: _mode(path) for path in (tmp_path / "data").iterdir()}
        del modes["lock"]  # it has a test of its own
        assert modes == {
            "admin.key": 0o600,
            "dragoman.db": 0o600,
            "dragoman.db-shm": 0o600,
            "dragoman.db-wal": 0o600,
            "kek": 0o600,
            "serving": 0o600,
        }
        assert _mode(tmp_path / "data") == 0o700


def test_nobody_else_can_hold_the_lock_that_every_start_waits_for(
    tmp_path: Path, no_umask: None
) -> None:
    (tmp_path / "data").mkdir(mode=0o755)  # as an operator may have made it
    with RunningDragoman.start(tmp_path / "data"):
        assert _mode(tmp_path / "data" / "lock") == 0o600


def test_the_first_start_says_what_it_made_and_where(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningDragoman.start(data, workers=2) as server:
        assert server.output == (
            f"Made the data directory {data}.\n"
            f"Made a key file, {data}/kek. Keep a copy of it in another place: "
            "without it no stored credential opens.\n"
            f"Wrote the first admin API key to {data}/admin.key.\n"
            f"Dragoman {__version__} is ready on {server.url} (2 workers). Ctrl+C stops it.\n"
        )


def test_without_a_terminal_the_admin_key_is_in_its_file_and_nowhere_else(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data") as server:
        assert KEY.fullmatch(server.admin_key)
        with server.client() as client:
            assert client.get("/v1/models").status_code == 200
        everywhere_else = server.output + server.log
    assert KEY.search(everywhere_else) is None
    assert server.admin_key not in everywhere_else
    for name, content in contents(tmp_path / "data").items():
        assert (server.admin_key.encode() in content) == (name == "admin.key"), name


def test_a_second_start_finds_everything_and_makes_nothing(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data") as server:
        first = _installation(server)
        assert server.stop() == 0
        server.launch()
        assert _installation(server) == first
        assert server.output == (
            f"Dragoman {__version__} is ready on {server.url} (1 worker). Ctrl+C stops it.\n"
        )


def test_an_admin_key_that_was_taken_away_is_not_made_again(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data") as server:
        server.stop()
        (tmp_path / "data" / "admin.key").unlink()
        server.launch()
        assert "admin API key" not in server.output
    assert not (tmp_path / "data" / "admin.key").exists()


def test_a_leftover_admin_key_file_does_not_cost_the_first_key(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "admin.key").write_text("left over\n")
    with RunningDragoman.start(data) as server, server.client() as client:
        assert client.get("/v1/models").status_code == 200


def test_a_start_that_has_nowhere_to_print_still_hands_over_the_key(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = "http://127.0.0.1:{1}".format(*free.getsockname())
    command = [sys.executable, "-m", "dragoman", "serve", "--port", url.rpartition(":")[2]]
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command], env=environment(data)
    )
    try:
        assert eventually(lambda: (data / "admin.key").exists() or process.poll() is not None)
        headers = {"authorization": f"Bearer {(data / 'admin.key').read_text().strip()}"}
        assert httpx2.get(f"{url}/v1/models", headers=headers, timeout=HANG_S).status_code == 200
    finally:
        process.terminate()
        process.wait(HANG_S)


def test_two_first_starts_at_once_make_one_installation(tmp_path: Path) -> None:
    data = tmp_path / "data"
    outputs = [tmp_path / "one.out", tmp_path / "two.out"]
    processes = []
    for output in outputs:
        with output.open("wb") as file:
            processes.append(begin("serve", environment=environment(data), stdout=file))
    try:
        urls = [_ready_url(output) for output in outputs]
        headers = {"authorization": f"Bearer {(data / 'admin.key').read_text().strip()}"}
        for url in urls:
            answer = httpx2.get(f"{url}/v1/models", headers=headers, timeout=HANG_S)
            assert answer.status_code == 200
        assert "".join(output.read_text() for output in outputs).count("admin API key") == 1
    finally:
        for process in processes:
            process.terminate()
    assert [process.wait(HANG_S) for process in processes] == [0, 0]


def test_a_start_waits_while_another_one_makes_things(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    output = tmp_path / "out"
    with (data / "lock").open("w") as lock, output.open("wb") as file:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = begin("serve", environment=environment(data), stdout=file)
        try:
            time.sleep(1)
            assert [path.name for path in data.iterdir()] == ["lock"]
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert httpx2.get(f"{_ready_url(output)}/readyz", timeout=HANG_S).status_code == 200
        finally:
            process.terminate()
            process.wait(HANG_S)


def test_health_and_readiness_say_how_it_is(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data") as server:
        health = httpx2.get(f"{server.url}/healthz", timeout=HANG_S)
        assert (health.status_code, health.json()) == (200, {"status": "ok"})
        ready = httpx2.get(f"{server.url}/readyz", timeout=HANG_S)
        assert (ready.status_code, ready.json()) == (200, {"status": "ready", "database": "ok"})


def test_an_unknown_path_is_a_404_in_json(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data") as server:
        answer = httpx2.get(f"{server.url}/nothing/here", timeout=HANG_S)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "error": {
            "message": "There is nothing at this path.",
            "type": "invalid_request_error",
            "param": None,
            "code": "not_found",
        }
    }


def test_an_option_stands_before_its_variable(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data", "--workers", "2", workers=1) as server:
        assert "(2 workers)" in server.output
        assert len(server.worker_pids()) == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((), ["--version", "--help", "serve", "key", "kek"]),
        (
            ("serve",),
            [
                *("--host", "--port", "--workers", "--data-dir", "--production", "--help"),
                *("DRAGOMAN_HOST", "DRAGOMAN_PORT", "DRAGOMAN_WORKERS", "DRAGOMAN_DATA_DIR"),
                *("DRAGOMAN_PRODUCTION", "docs/settings.md", "SIGTERM"),
            ],
        ),
        (("key",), ["create", "list", "revoke", "--help"]),
        (
            ("key", "create"),
            ["--role", "admin|editor|viewer|caller", "--name", "--org", "--data-dir", "--plain"],
        ),
        (("key", "list"), ["--org", "--data-dir", "--help"]),
        (("key", "revoke"), ["id_or_name", "--org", "--data-dir", "--help"]),
        (("kek",), ["create", "--help"]),
        (("kek", "create"), ["path", "0600", "DRAGOMAN_KEK_FILE", "--help"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_help_names_every_option(command: tuple[str, ...], words: list[str]) -> None:
    for asked in ("--help", "-h"):
        ended = dragoman(*command, asked)
        assert ended.status == 0
        assert [word for word in words if word not in ended.output] == []


def test_the_version_is_the_packages() -> None:
    assert dragoman("--version") == (0, f"dragoman {__version__}\n", "")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _ready_url(output: Path) -> str:
    assert eventually(lambda: "is ready on" in output.read_text()), output.read_text()
    return output.read_text().rpartition("is ready on ")[2].split()[0]


def _installation(server: RunningDragoman) -> dict[str, Any]:
    """Give what must not change between two starts."""
    with sqlite3.connect(server.data_dir / "dragoman.db") as database:
        rows = {
            table: database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            for table in ("deployment", "organizations", "principals", "api_keys", "audit")
        }
    database.close()
    assert [len(found) for found in rows.values()] == [1, 2, 1, 1, 2]
    files = contents(server.data_dir)
    return {**rows, "kek": files["kek"], "admin.key": files["admin.key"]}
