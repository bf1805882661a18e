"""llama.cpp's HTTP server as a process, and the handle by which tests start and stop it.

On the command line (port 0 lets the system choose one)::

    python -m tests.engine.server --model M.gguf --port 8081 --api-key K [--parallel N]

In tests::

    with Engine.start(tmp_path, api_key="key") as engine:
        client = OpenAI(base_url=engine.base_url, api_key=engine.api_key)

It is a process of its own because llama.cpp writes to the standard output as it likes, takes over
signal handlers, and has to be killed in some tests.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
MODEL_NAME = "tiny"
PARALLEL = 4
# As long as the model allows: its tokens are mostly single bytes, and tool definitions are long.
CONTEXT_PER_SLOT = 16384
# An embedding is computed in one batch, so this is also the longest input for it, in tokens.
BATCH_SIZE = 4096
# The bound of an answer if a request has none: not every prompt leads the model to an end.
DEFAULT_MAX_TOKENS = 512
# A kept-alive connection occupies a thread even when idle, and a gateway keeps many.
HTTP_THREADS = 64

START_SECONDS = 30.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.02
PARENT_POLL_SECONDS = 0.5
LOG_TAIL_LINES = 40
REPOSITORY = Path(__file__).resolve().parents[2]


class EngineError(RuntimeError):
    """The engine's process ended or did not get ready in time."""


@dataclass
class Engine:
    """A running engine, which stops at the end of its ``with`` block."""

    process: subprocess.Popen[bytes]
    port: int
    api_key: str
    log_path: Path

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        api_key: str = "engine-key",
        model: Path | None = None,
        model_name: str = MODEL_NAME,
        parallel: int = PARALLEL,
        port: int = 0,
    ) -> Self:
        """Start an engine that keeps its files in this directory, and wait until it is ready.

        Without a model it makes the tiny one. Any number of engines may share a directory.
        """
        home = Path(tempfile.mkdtemp(prefix="engine-", dir=directory))
        if model is None:
            model = _tiny_model_in(home)
        port_file = home / "port"
        command = [sys.executable, "-m", "tests.engine.server"]
        command += [f"--model={model.resolve()}", f"--model-name={model_name}"]
        command += [f"--port={port}", f"--port-file={port_file}"]
        command += [f"--api-key={api_key}", f"--parallel={parallel}"]
        command += [f"--parent={os.getpid()}"]
        log_path = home / "engine.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        engine = cls(process, port, api_key, log_path)
        try:
            engine._wait_until_ready(port_file)
        except BaseException:
            engine.kill()
            raise
        return engine

    @property
    def url(self) -> str:
        """Return where the server is, without the API's version."""
        return f"http://{HOST}:{self.port}"

    @property
    def base_url(self) -> str:
        """Return the base URL for clients of the OpenAI API."""
        return f"{self.url}/v1"

    def log(self) -> str:
        """Return what the process wrote so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End the process politely, or by force if it does not end in time."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        """Return the engine, which runs already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the engine."""
        self.stop()

    def _wait_until_ready(self, port_file: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (port_file.exists() and self._is_healthy(int(port_file.read_text()))):
            if self.process.poll() is not None:
                self._fail(f"ended with status {self.process.returncode}")
            if time.monotonic() > deadline:
                self._fail(f"was not ready within {START_SECONDS:.0f} seconds")
            time.sleep(POLL_SECONDS)
        self.port = int(port_file.read_text())

    def _is_healthy(self, port: int) -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=1)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _fail(self, what: str) -> NoReturn:
        tail = "\n".join(self.log().splitlines()[-LOG_TAIL_LINES:])
        message = f"the engine {what}; the end of its log:\n{tail}"
        raise EngineError(message)


def _tiny_model_in(directory: Path) -> Path:
    # Imported here since the server's process runs this module too: it needs no NumPy, which
    # takes longer to import than the server to start.
    from tests.engine.tiny_model import write_tiny_model  # noqa: PLC0415

    path = directory / "tiny.gguf"
    write_tiny_model(path)
    return path


def _serve(arguments: argparse.Namespace) -> None:
    """Run the server until a signal ends the process, or the end of its parent does."""
    # Imported here so that a test which starts an engine does not get llama.cpp into its process.
    import xllamacpp  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415

    parameters = xllamacpp.CommonParams()
    _configure(parameters, arguments)
    # Chat works with this as before; pooling makes one vector per text, not one per token.
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)  # returns when the model is loaded, or raises
    # llama.cpp has just installed handlers that stop its own thread but not this one, and that
    # wait for every open stream. There is nothing to save, so let a signal end it at once.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    _announce(server.listening_address, arguments.port_file)
    _wait_for_the_end(arguments.parent)


def _configure(parameters: Any, arguments: argparse.Namespace) -> None:
    """Set llama.cpp's parameters."""
    parameters.model.path = str(arguments.model)
    parameters.model_alias = {arguments.model_name}
    parameters.hostnames = [HOST]
    parameters.port = arguments.port
    parameters.api_keys = [arguments.api_key]
    parameters.n_parallel = arguments.parallel
    parameters.n_ctx = arguments.parallel * CONTEXT_PER_SLOT
    # Without this, parallel sequences of different lengths are cut into several batches, and the
    # embedding of a text is that of its last batch only.
    parameters.kv_unified = True
    parameters.n_batch = parameters.n_ubatch = BATCH_SIZE
    parameters.n_predict = DEFAULT_MAX_TOKENS
    parameters.n_threads_http = HTTP_THREADS
    # The model is so small that a second thread only waits for the first.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.n_gpu_layers = 0
    parameters.use_jinja = True
    parameters.warmup = parameters.ui = False


def _wait_for_the_end(parent: int | None) -> None:
    # A test run that was killed cannot stop its engines, so they look after it.
    while parent is None or os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    os._exit(0)  # without the server's own shutdown, which waits for every open stream


def _announce(address: str, port_file: Path | None) -> None:
    """Tell on which port the server listens, which it may have chosen itself."""
    sys.stdout.write(f"engine listening on {address}\n")
    sys.stdout.flush()
    if port_file is not None:
        draft = port_file.with_suffix(".draft")
        draft.write_text(address.rpartition(":")[2])
        draft.replace(port_file)  # so that nobody reads half of it


def main() -> None:
    """Run the server with what the command line says."""
    parser = argparse.ArgumentParser(description="llama.cpp's HTTP server")
    parser.add_argument("--model", type=Path, required=True, help="GGUF file")
    parser.add_argument("--model-name", default=MODEL_NAME, help="name in answers")
    parser.add_argument("--port", type=int, required=True, help="0 for any free port")
    parser.add_argument("--port-file", type=Path, help="file to write the port into")
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--parallel", type=int, default=PARALLEL, help="requests at a time")
    parser.add_argument("--parent", type=int, help="process with which to end")
    _serve(parser.parse_args())


if __name__ == "__main__":
    main()
