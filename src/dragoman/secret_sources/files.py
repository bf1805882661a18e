"""Secrets in files below one folder: `file:///absolute/path`."""

import asyncio
import errno
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dragoman.domain.ports import Clock
from dragoman.secret_sources.remembered import Fetched, Remembered, SourceUnreachable
from dragoman.vault.held import Lent
from dragoman.vault.secret import Secret

SCHEME = "file"

MAX_FILE_BYTES = 64 * 1024

FRESH_FOR_MS = 10_000
"""How long a file that was replaced is still sent as it was [ms]. Kubernetes takes a minute to
replace a mounted secret, so this adds little; reading costs one thread for a moment."""

THREADS = 2
"""Files on a file system that hangs hold up other files of secrets, and nothing else."""

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG})
_READ_ONLY = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class FileSecrets:
    """Lends files below a folder, but for those that the server itself needs.

    Links are followed as long as they end below the folder: a mounted Kubernetes secret is a link
    to a link. `closed` are files and folders that nothing is lent of, whatever was granted.
    """

    def __init__(
        self, folder: Path, *, closed: Iterable[Path], clock: Clock, grace_ms: int
    ) -> None:
        self._folder = folder
        self._closed = tuple(closed)
        self._clock = clock
        self._grace_ms = grace_ms
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="secret files")
        self._remembered = Remembered("files", self._read, clock)

    async def fetch(self, uri: str) -> Lent | None:
        """Give what a file holds; None where that is nothing. Raises CredentialUnusable."""
        return await self._remembered.lend(uri)

    async def _read(self, uri: str) -> Fetched | None:
        path = uri.removeprefix(f"{SCHEME}://")
        loop = asyncio.get_running_loop()
        try:
            text = await loop.run_in_executor(self._threads, self._text, path)
        except OSError as error:
            reason = error.strerror or "for a reason unknown"
            raise SourceUnreachable(
                f"The file of the LLM's credential cannot be read: {reason}."
            ) from None
        if not text:
            return None
        now_ms = self._clock.now_ms()
        return Fetched(Secret(text), now_ms + FRESH_FOR_MS, now_ms + self._grace_ms)

    def _text(self, path: str) -> str | None:
        """Read a file, if it is one of ours to lend. Runs in a thread. Raises OSError."""
        if "/../" in f"{path}/" or "/./" in f"{path}/":
            return None
        # Kubernetes replaces a folder by turning a link to it, and may do so between our two steps.
        for _ in range(2):
            try:
                return _decoded(self._content(os.path.realpath(path)))
            except OSError as error:
                if error.errno not in _NOT_THERE:
                    raise
        return None

    def _content(self, path: str) -> bytes:
        """Read a file whose path has no more links. Raises OSError."""
        if not _is_below(path, self._folder) or self._is_closed(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        descriptor = os.open(path, _READ_ONLY)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return b""
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(MAX_FILE_BYTES + 1)
        finally:
            os.close(descriptor)

    def _is_closed(self, path: str) -> bool:
        return any(
            _is_below(path, closed) or (closed.is_file() and closed.samefile(path))
            for closed in self._closed
        )


def _is_below(path: str, folder: Path) -> bool:
    return Path(path).is_relative_to(os.path.realpath(folder))


def _decoded(content: bytes) -> str | None:
    """Give a file's text without the line break that editors put at its end; None for no text."""
    if len(content) > MAX_FILE_BYTES:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
