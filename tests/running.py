"""Dragoman as it is shipped: the start command, in a process of its own, on a free port.

with RunningDragoman.start(tmp_path / "data", workers=2) as dragoman:
    httpx2.get(f"{dragoman.url}/readyz")
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx2

READY_DEADLINE_S = 30.0
STOP_DEADLINE_S = 20.0
READY = re.compile(r"is ready on (http://\S+) ")


class RunningDragoman:
    """One installation and its server; leaving the block stops the processes it started."""

    def __init__(
        self, data_dir: Path, environment: Mapping[str, str], through: Sequence[str] = ()
    ) -> None:
        self.data_dir = data_dir
        self._through = through
        self.environment = dict(environment)
        self._output = data_dir.parent / f"{data_dir.name}.out"
        self._log = data_dir.parent / f"{data_dir.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *options: str,
        workers: int = 1,
        through: Sequence[str] = (),
        **settings: str | None,
    ) -> "RunningDragoman":
        """Start a server on a data directory; settings as in `egress_allow="…"`.

        Calls to this machine are allowed unless a setting says otherwise; one that is None is not
        set at all. `through` is a command that runs the command behind it.
        """
        settings.setdefault("egress_allow", "127.0.0.0/8,::1/128")
        settings.setdefault("log_level", "debug")
        given = {name: text for name, text in settings.items() if text is not None}
        environment = {name: text for name, text in os.environ.items() if "DRAGOMAN" not in name}
        environment |= {f"DRAGOMAN_{name.upper()}": text for name, text in given.items()}
        environment |= {"DRAGOMAN_DATA_DIR": str(data_dir), "DRAGOMAN_PORT": "0"}
        environment |= {"DRAGOMAN_WORKERS": str(workers)}
        dragoman = cls(data_dir, environment, through)
        dragoman.launch(*options)
        return dragoman

    def launch(self, *options: str) -> None:
        """Start the server, again if it was stopped, and wait until it is ready."""
        with self._output.open("wb") as output, self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._through, sys.executable, "-m", "dragoman", "serve", *options],
                env=self.environment,
                stdout=output,
                stderr=log,
            )
        deadline = time.monotonic() + READY_DEADLINE_S
        while not (found := READY.search(self.output)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"Dragoman did not start:\n{self.output}\n{self.log}")
            time.sleep(0.02)
        self.url = found[1]

    @property
    def output(self) -> str:
        """What it printed."""
        return self._output.read_text()

    @property
    def log(self) -> str:
        """What it logged, over all its starts."""
        return self._log.read_text()

    @property
    def admin_key(self) -> str:
        """The first admin key."""
        return (self.data_dir / "admin.key").read_text().strip()

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `dragoman` command on the same data directory."""
        return subprocess.run(
            [sys.executable, "-m", "dragoman", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def new_key(self, role: str, name: str = "test") -> str:
        """Make an API key of a role."""
        made = self.cli("key", "create", "--role", role, "--name", name, "--plain")
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def client(self, key: str | None = None, **options: Any) -> httpx2.Client:
        """Give an HTTP client that carries a key, the first admin's unless another is given."""
        headers = {"authorization": f"Bearer {key or self.admin_key}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30, **options)

    def worker_pids(self) -> list[int]:
        """List the processes that serve."""
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in children.split()]

    def stop(self) -> int:
        """End it as an operator would; gives the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()


def registration(url: str, **members: Any) -> dict[str, Any]:
    """Write the body that registers an LLM through Anam's API."""
    return {
        "displayName": "my-llm",
        "llmFormat": "openai",
        "modelName": "tiny",
        "urls": [{"url": url}],
        "secret": "sk-test-secret",
    } | members
