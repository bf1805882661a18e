"""A parent process of its own, for tests of what it does when its workers cannot work.

python -m tests.app.supervised DATA_DIR WORKERS
"""

import socket
import sys

from dragoman.app import logs
from dragoman.app.supervisor import Supervisor
from dragoman.settings import Settings


def main() -> int:
    """Supervise workers on a data directory that nobody prepared; say if they get ready."""
    settings = Settings(data_dir=sys.argv[1], workers=int(sys.argv[2]), drain_s=60)
    logs.configure(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        ready = lambda: print("ready", flush=True)  # noqa: E731, T201
        return Supervisor(settings, listener, on_ready=ready).run()


if __name__ == "__main__":
    sys.exit(main())
