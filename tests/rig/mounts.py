"""The files inside that say how names are looked up; outside they stay as they are."""

import ctypes
import os
from pathlib import Path

_BIND = 4096
_RECURSIVE_AND_PRIVATE = 16384 | (1 << 18)

FILES = {
    "/etc/resolv.conf": "nameserver {name_server}\noptions timeout:30 attempts:1\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_NAME_CACHE = Path("/var/run/nscd")
"""Where a daemon answers for the network outside, through a socket that is a file."""


def mount(folder: Path, name_server: str) -> None:
    """Lay our files over the system's, for this mount namespace. Raises OSError."""
    _mount(None, Path("/"), _RECURSIVE_AND_PRIVATE)
    for name, text in FILES.items():
        target = Path(name).resolve()
        if not target.exists() and name == "/etc/nsswitch.conf":
            continue  # libc's default is what would stand in it
        ours = folder / target.name
        ours.write_text(text.format(name_server=name_server))
        ours.chmod(0o644)
        _mount(ours, target, _BIND)
    if _NAME_CACHE.is_dir():
        empty = folder / "empty"
        empty.mkdir()
        _mount(empty, _NAME_CACHE.resolve(), _BIND)


def _mount(source: Path | None, target: Path, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    origin = os.fsencode(source) if source else None
    if libc.mount(origin, os.fsencode(target), None, ctypes.c_ulong(flags), None):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), str(target))
