"""A parent process of its own, for tests of what it does when its workers cannot work.

python -m tests.app.supervised DATA_DIR WORKERS PAUSE_S DRAIN_S GRACE_S
"""

import signal
import socket
import sys
import time

from dragoman.app import logs, supervisor
from dragoman.app.supervisor import Supervisor
from dragoman.settings import Settings
from dragoman.vault.keys import Keyring


def main() -> int:
    """Supervise workers on a data directory, prepared or not; say when they are ready.

    Workers stop for PAUSE_S where the parent no longer hears their signals [s]. They are killed
    when they are there GRACE_S after the drain's deadline [s].
    """
    data_dir, workers = sys.argv[1], int(sys.argv[2])
    pause_s, drain_s, supervisor.ENDING_GRACE_S = map(float, sys.argv[3:])
    settings = Settings(data_dir=data_dir, workers=workers, drain_s=drain_s)
    set_wakeup_fd = signal.set_wakeup_fd

    def pausing(descriptor: int, /, *, warn_on_full_buffer: bool = True) -> int:
        before = set_wakeup_fd(descriptor, warn_on_full_buffer=warn_on_full_buffer)
        if descriptor == -1:
            time.sleep(pause_s)
        return before

    signal.set_wakeup_fd = pausing
    logs.configure(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        ready = lambda: print("ready", flush=True)  # noqa: E731, T201
        return Supervisor(settings, Keyring.generate(), listener, on_ready=ready).run()


if __name__ == "__main__":
    sys.exit(main())
