"""The parent process: holds the listening socket, keeps the workers alive, passes signals on.

It imports little, so that it costs little beside its workers; each worker imports the server
after the fork.
"""

import contextlib
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable

from dragoman.app.descriptor_limit import raise_limit
from dragoman.settings import Settings
from dragoman.vault.keys import Keyring

log = logging.getLogger(__name__)

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)

QUICK_DEATH_S = 5.0
RESTART_DELAY_S = 1.0
ENDING_GRACE_S = 10.0
"""How long workers may take beyond the drain deadline before they are killed [s]: last words of
calls, twice two seconds, and what is closed after that."""


class Supervisor:
    """Starts the workers and sees them through to the end."""

    def __init__(
        self,
        settings: Settings,
        keyring: Keyring,
        listener: socket.socket,
        on_ready: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._keyring = keyring
        self._listener = listener
        self._on_ready = on_ready
        self._born: dict[int, float] = {}
        self._killed: set[int] = set()
        self._ready_workers = 0
        self._is_ready = False
        self._ending_at: float | None = None
        self._failed = False
        self._ready_r, self._ready_w = os.pipe()
        self._life_r, self._life_w = os.pipe()
        self._signal_r, self._signal_w = os.pipe()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; gives the exit status."""
        raise_limit()
        self._watch_signals()
        for _ in range(self._settings.workers):
            self._start_worker()
        with selectors.DefaultSelector() as selector:
            selector.register(self._ready_r, selectors.EVENT_READ, self._note_ready)
            selector.register(self._signal_r, selectors.EVENT_READ, self._note_signals)
            while self._born or not self._ending:
                for key, _ in selector.select(self._patience_s()):
                    key.data()
                self._kill_the_late()
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # one more would be our exit status
        return 1 if self._failed else 0

    @property
    def _ending(self) -> bool:
        return self._ending_at is not None

    def _watch_signals(self) -> None:
        os.set_blocking(self._signal_w, False)
        os.set_blocking(self._signal_r, False)
        signal.set_wakeup_fd(self._signal_w)
        for number in (*ENDING_SIGNALS, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # the number arrives through the pipe

    def _start_worker(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # or the worker would write it too
        # A signal that comes between the fork and the worker's own handlers waits for these.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
        pid = os.fork()
        if pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
            self._born[pid] = time.monotonic()
            return
        status = 1
        try:
            self._become_worker()
            status = 0
        except BaseException:
            log.exception("worker_failed")
        finally:
            os._exit(status)

    def _become_worker(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        # Ctrl+C reaches the whole group; the parent turns it into the workers' SIGTERM.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
        os.close(self._life_w)
        from dragoman.app import worker  # noqa: PLC0415  # the parent stays small

        worker.run(self._settings, self._keyring, self._listener, self._ready_w, self._life_r)

    def _note_ready(self) -> None:
        self._ready_workers += len(os.read(self._ready_r, 64))
        if not self._is_ready and self._ready_workers >= self._settings.workers:
            self._is_ready = True
            self._on_ready()

    def _note_signals(self) -> None:
        numbers = os.read(self._signal_r, 64)
        if any(number in ENDING_SIGNALS for number in numbers):
            self._end()  # first: a worker that ended with us is not one that died
        if signal.SIGCHLD in numbers:
            self._bury()

    def _bury(self) -> None:
        """Take note of every worker that has ended, and replace it while we are serving."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                lived_s = time.monotonic() - self._born.pop(pid)
                if self._ending:
                    continue
                log.error("worker_died", extra={"pid": pid, "status": status})
                if not self._is_ready:
                    # A service manager may signal all of us at once, and the workers heed first.
                    self._failed = os.waitstatus_to_exitcode(status) != -signal.SIGTERM
                    self._end()
                    continue
                if lived_s < QUICK_DEATH_S:
                    time.sleep(RESTART_DELAY_S)
                self._start_worker()

    def _end(self) -> None:
        """Ask all workers to end what they are doing, and take no new callers."""
        self._listener.close()
        if self._ending_at is None:
            self._ending_at = time.monotonic() + self._settings.drain_s + ENDING_GRACE_S
        self._signal_workers(signal.SIGTERM)

    def _patience_s(self) -> float | None:
        return None if self._ending_at is None else max(0.1, self._ending_at - time.monotonic())

    def _kill_the_late(self) -> None:
        if self._ending_at is not None and time.monotonic() > self._ending_at:
            for pid in self._born.keys() - self._killed:
                log.error("worker_killed", extra={"pid": pid})
                self._killed.add(pid)
                self._failed = True
            self._signal_workers(signal.SIGKILL)

    def _signal_workers(self, number: signal.Signals) -> None:
        for pid in self._born:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
