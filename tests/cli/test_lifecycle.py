"""Two workers and their parent: how they end, and what happens when one of them is killed."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from dragoman.vault.keys import Keyring
from tests.cli.command import begin, environment
from tests.cli.processes import HANG_S, children, cpu_s, eventually, using
from tests.cli.streams import SECOND_HALF, half_stream
from tests.running import RunningDragoman, registration


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningDragoman]:
    """Run Dragoman with two workers and more patience with running answers than we have."""
    with RunningDragoman.start(tmp_path / "data", workers=2, drain_s="60") as server:
        yield server


def _process(server: RunningDragoman) -> subprocess.Popen[bytes]:
    assert server.process is not None
    return server.process


def _has_workers(pid: int, count: int) -> bool:
    return len(children(pid)) == count


def _is_healthy(server: RunningDragoman) -> bool:
    try:
        return httpx2.get(f"{server.url}/readyz", timeout=HANG_S).status_code == 200
    except httpx2.TransportError:
        return False


def test_sigterm_lets_a_stream_end_whole_and_exits_with_0(server: RunningDragoman) -> None:
    with half_stream(server) as stream:
        _process(server).send_signal(signal.SIGTERM)
        assert eventually(lambda: len(server.worker_pids()) == 1), "the idle worker does not end"
        assert stream.second_half() == SECOND_HALF
        assert _process(server).wait(HANG_S) == 0


def test_ctrl_c_reaches_every_process_and_lets_a_stream_end_whole(server: RunningDragoman) -> None:
    with half_stream(server) as stream:
        # A terminal sends it to the whole group; so do we, to the workers first.
        for pid in [*server.worker_pids(), _process(server).pid]:
            os.kill(pid, signal.SIGINT)
        assert eventually(lambda: len(server.worker_pids()) == 1), "the idle worker does not end"
        assert stream.second_half() == SECOND_HALF
        assert _process(server).wait(HANG_S) == 0


def test_a_new_connection_is_refused_while_a_stream_ends(server: RunningDragoman) -> None:
    with half_stream(server) as stream:
        _process(server).send_signal(signal.SIGTERM)
        assert eventually(lambda: len(server.worker_pids()) == 1)
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{server.url}/healthz", timeout=2)
        assert stream.second_half() == SECOND_HALF


def test_a_stream_that_does_not_end_is_cut_at_the_deadline(tmp_path: Path) -> None:
    with (
        RunningDragoman.start(tmp_path / "data", workers=2, drain_s="1") as server,
        half_stream(server) as stream,
    ):
        _process(server).send_signal(signal.SIGTERM)
        assert stream.is_cut()
        assert _process(server).wait(HANG_S) == 0


def test_a_worker_that_does_not_react_is_killed_in_the_end(tmp_path: Path) -> None:
    with RunningDragoman.start(tmp_path / "data", workers=2, drain_s="1") as server:
        stopped = server.worker_pids()[0]
        os.kill(stopped, signal.SIGSTOP)
        assert server.stop() == 1  # what it was doing has not ended well
    assert using(tmp_path) == []


def test_an_idle_connection_does_not_hold_up_the_end(server: RunningDragoman) -> None:
    with server.client() as client:
        assert client.get("/v1/models").status_code == 200
        assert server.stop() == 0


def test_a_second_start_on_the_same_port_works_at_once(server: RunningDragoman) -> None:
    first_url = server.url
    with server.client() as client:
        assert client.get("/v1/models").status_code == 200
        assert server.stop() == 0
    server.launch("--port", first_url.rpartition(":")[2])
    assert server.url == first_url
    assert _is_healthy(server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_start_can_be_ended_before_it_is_ready(tmp_path: Path, number: signal.Signals) -> None:
    settings = environment(tmp_path / "data", workers="2", drain_s="60")
    process = begin("serve", environment=settings, stdout=subprocess.DEVNULL)
    try:
        assert eventually(partial(_has_workers, process.pid, 2))
        process.send_signal(number)
        assert process.wait(HANG_S) == 0
    finally:
        process.kill()
        process.wait()


def test_a_service_manager_that_signals_every_process_at_once_sees_a_clean_end(
    tmp_path: Path,
) -> None:
    """As systemd does it. Who notices first differs, so it is tried at several moments."""
    settings = environment(tmp_path / "data", workers="2", drain_s="60")
    for moment_s in (0.0, 0.05, 0.1, 0.15, 0.2, 0.25):
        process = begin(
            "serve", environment=settings, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            assert eventually(partial(_has_workers, process.pid, 2))
            time.sleep(moment_s)
            os.killpg(process.pid, signal.SIGTERM)
            assert process.wait(HANG_S) == 0
        finally:
            process.kill()
            process.wait()


def test_a_worker_that_is_killed_while_starting_ends_the_start(tmp_path: Path) -> None:
    settings = environment(tmp_path / "data", workers="2", drain_s="60")
    process = begin(
        "serve", environment=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert eventually(partial(_has_workers, process.pid, 2))
        os.kill(children(process.pid)[0], signal.SIGKILL)
        assert process.wait(HANG_S) == 1
    finally:
        process.kill()
        process.wait()


def test_a_killed_worker_is_replaced_and_the_service_goes_on(server: RunningDragoman) -> None:
    killed, other = server.worker_pids()
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: len(set(server.worker_pids()) - {killed}) == 2)
    assert other in server.worker_pids()
    assert eventually(lambda: "worker_died" in server.log)
    assert f'"pid":{killed}' in server.log
    for _ in range(20):  # whichever of the two answers
        assert httpx2.get(f"{server.url}/readyz", timeout=HANG_S).status_code == 200
    assert server.stop() == 0


def test_all_workers_killed_at_once_are_replaced(server: RunningDragoman) -> None:
    killed = server.worker_pids()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: len(set(server.worker_pids()) - set(killed)) == 2)
    assert eventually(lambda: _is_healthy(server))
    assert server.stop() == 0


def test_workers_end_by_themselves_when_the_parent_is_killed(
    server: RunningDragoman, tmp_path: Path
) -> None:
    _process(server).kill()
    _process(server).wait()
    assert eventually(lambda: using(tmp_path) == [], within_s=10)
    assert not _is_healthy(server)


def test_a_worker_without_a_parent_ends_its_stream_in_peace(
    server: RunningDragoman, tmp_path: Path
) -> None:
    with half_stream(server) as stream:
        _process(server).kill()
        _process(server).wait()
        assert eventually(lambda: len(using(tmp_path)) == 1), "the idle worker does not end"
        (pid,) = using(tmp_path)
        before_s = cpu_s(pid)
        time.sleep(2)
        used_s = cpu_s(pid) - before_s
        assert stream.second_half() == SECOND_HALF
    assert eventually(lambda: using(tmp_path) == [])
    assert used_s < 0.2, "it turns in circles while it waits"


def test_a_key_file_that_changes_under_a_server_changes_nothing(tmp_path: Path) -> None:
    """A worker that is born later seals and opens with the keys that the start has checked."""
    data = tmp_path / "data"
    with RunningDragoman.start(data) as server, server.client() as client:
        checked = (data / "kek").read_text()
        (data / "kek").write_text(Keyring.generate().to_text())
        (killed,) = server.worker_pids()
        os.kill(killed, signal.SIGKILL)
        assert eventually(lambda: server.worker_pids() not in ([], [killed]))
        body = registration("https://api.example.com/v1/chat/completions")
        assert eventually(lambda: _is_healthy(server))
        assert client.post("/v1/llms", json=body).status_code == 201
        (data / "kek").write_text(checked)
        assert server.stop() == 0
        server.launch()  # refuses, if anything was sealed with other keys
        assert _is_healthy(server)
