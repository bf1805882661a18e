"""Commands that call a server: run to their end, or with a person at a terminal."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.background import in_background
from tests.cli.command import Ended, environment
from tests.cli.processes import HANG_S
from tests.scripted_upstream import ScriptedUpstream, close, read_request, send, serving

WITH_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, '-m', 'dragoman', *sys.argv[1:]])"
)
"""Makes standard input the terminal that Ctrl+C and prompts belong to, then becomes the command."""

CTRL_C, CTRL_D = "\x03", "\x04"
A_KEY = "dgm_planted-key-of-a-caller"


class Caller(NamedTuple):
    """Somebody with an address and a key."""

    url: str
    key: str = A_KEY

    def environment(self, **others: str) -> dict[str, str]:
        """Give what the commands of this caller find around them."""
        return environment(url=self.url, api_key=self.key) | others

    def begin(self, *arguments: str, **others: str) -> subprocess.Popen[bytes]:
        """Start a command with pipes; whoever calls this ends it."""
        return subprocess.Popen(
            [sys.executable, "-m", "dragoman", *arguments],
            env=self.environment(**others),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, stdin: bytes = b"", **others: str) -> Ended:
        """Run a command to its end, without a terminal; others are environment variables."""
        process = self.begin(*arguments, **others)
        try:
            output, errors = process.communicate(stdin, HANG_S)
        finally:
            process.kill()
            process.wait()
        assert b"Traceback" not in errors, errors.decode()
        return Ended(process.returncode, output.decode(), errors.decode())

    def done(self, *arguments: str, stdin: bytes = b"", **others: str) -> str:
        """Run a command that has to succeed without a complaint; gives its output."""
        ended = self.run(*arguments, stdin=stdin, **others)
        assert (ended.status, ended.errors) == (0, ""), ended
        return ended.output

    def refused(self, *arguments: str, stdin: bytes = b"", **others: str) -> str:
        """Run a command that has to fail with one line; gives the line."""
        ended = self.run(*arguments, stdin=stdin, **others)
        assert (ended.status, ended.output) == (1, ""), ended
        assert ended.errors.count("\n") == 1, ended.errors
        return ended.errors.removesuffix("\n")

    @contextmanager
    def at_terminal(
        self, *arguments: str, columns: int = 100, **others: str
    ) -> Iterator["Terminal"]:
        """Run a command on a terminal of its own for the length of the block."""
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-c", WITH_TERMINAL, *arguments],
            env=self.environment(TERM="xterm", COLUMNS="", LINES="") | others,
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
        os.close(its)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            process.wait()
            os.close(ours)


class Terminal:
    """What a person sees and types."""

    def __init__(self, process: subprocess.Popen[bytes], ours: int) -> None:
        self.process = process
        self._ours = ours
        self._shown = b""
        self._seen = 0

    @property
    def shown(self) -> str:
        """Everything that was shown so far."""
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    def types(self, text: str) -> None:
        """Press keys."""
        os.write(self._ours, text.encode())

    def sees(self, text: str) -> str:
        """Wait until a text is shown after what was seen before; gives everything so far."""
        deadline = time.monotonic() + HANG_S
        while (at := self.shown.find(text, self._seen)) < 0:
            assert self._more(deadline), f"{text!r} did not come after:\n{self.shown}"
        self._seen = at + len(text)
        return self.shown

    def has(self, text: str) -> bool:
        """Tell whether a text comes within a second, after what was seen before."""
        until = time.monotonic() + 1
        while self.shown.find(text, self._seen) < 0:
            if not select.select([self._ours], [], [], max(0, until - time.monotonic()))[0]:
                return False
            self._more(until + 1)
        return True

    def ends(self) -> int:
        """Wait for the command's end; gives its status."""
        deadline = time.monotonic() + HANG_S
        while self._more(deadline):
            pass
        return self.process.wait(HANG_S)

    def _more(self, deadline: float) -> bool:
        readable, _, _ = select.select([self._ours], [], [], deadline - time.monotonic())
        assert readable, f"nothing more was shown after:\n{self.shown}"
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # how Linux says that nobody has the other side open
            return False
        self._shown += piece
        return bool(piece)


@contextmanager
def answering(
    body: str | bytes, *, status: str = "200 OK", kind: str = "application/json", headers: str = ""
) -> Iterator[ScriptedUpstream]:
    """Run a server that answers every request alike."""
    content = body.encode() if isinstance(body, str) else body
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(content)}\r\n"
        f"connection: close\r\n{headers}\r\n"
    )
    steps = (read_request(), send(head.encode() + content), close())
    with in_background(serving(*steps)) as fake:
        yield fake
