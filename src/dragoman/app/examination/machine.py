"""What can be seen without the database: programs, settings, files and limits."""

import os
import platform
import resource
import shutil
import sqlite3
import ssl
import stat
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

from dragoman.app.examination.finding import Finding, ok, problem, some, warning
from dragoman.settings import Settings
from dragoman.upstream.egress import parse_networks
from dragoman.upstream.ranges import METADATA, IPNetwork

PYTHON_AT_LEAST = (3, 11)
LITTLE_SPACE_BYTES = 1024**3
NO_SPACE_BYTES = 100 * 1024**2
FEW_DESCRIPTORS = 4096
WIDE_PREFIX = {4: 8, 6: 16}
"""Networks that are wider than this are more than any one company's."""


def python(_: Settings) -> Iterator[Finding]:
    """Look at the interpreter."""
    version = platform.python_version()
    if tuple(map(int, platform.python_version_tuple()[:2])) < PYTHON_AT_LEAST:
        yield problem("python", f"Python {version} is too old; install Python 3.11 or newer.")
    else:
        yield ok("python", f"Python {version}.")


def sqlite(settings: Settings) -> Iterator[Finding]:
    """Look at the library, where it is what stores the registry."""
    if settings.database_url is not None:
        return
    version = sqlite3.sqlite_version
    if _has_wal_reset_fault(sqlite3.sqlite_version_info):
        yield warning(
            "sqlite",
            f"SQLite {version} has a rare fault that can damage a database while several "
            "connections write (sqlite.org/wal.html, 'WAL-reset bug'). Take SQLite 3.51.3 or "
            "newer, unless your distribution has mended its own, and keep backups.",
        )
    else:
        yield ok("sqlite", f"SQLite {version}.")


def _has_wal_reset_fault(version: tuple[int, ...]) -> bool:
    """Tell by the version: sqlite.org/wal.html, as of 2026-03, lists where it was mended."""
    mended = {44: 6, 50: 7, 51: 3}
    _, minor, patch = version[:3]
    return version < (3, 52) and patch < mended.get(minor, patch + 1)


def data_directory(settings: Settings) -> Iterator[Finding]:
    """Look at the folder and who may look into it."""
    path = settings.data_path
    if not path.is_dir():
        yield problem(
            "data directory",
            f"There is no folder {path}. Name it with --data-dir or DRAGOMAN_DATA_DIR, or make an "
            "installation with 'dragoman serve'.",
        )
        return
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield problem(
            "data directory",
            f"{path} cannot be read and written by this user; run as the user that owns it.",
        )
    elif path.stat().st_mode & 0o077:
        yield warning(
            "data directory", f"Others may look into {path}; close it with 'chmod 700 {path}'."
        )
    else:
        yield ok("data directory", f"{path} is its owner's alone.")


def private_files(settings: Settings) -> Iterator[Finding]:
    """Look who may read the files of the database and the first admin key."""
    folder = settings.data_path
    files = [path for path in sorted(folder.glob("dragoman.db*")) if path.is_file()]
    admin_key = folder / "admin.key"
    open_files = [path for path in (*files, admin_key) if _mode(path) & 0o077]
    if open_files:
        names = " ".join(map(str, open_files))
        yield problem("files", f"Others may read {names}; close them with 'chmod 600 {names}'.")
    if admin_key.exists():
        yield warning(
            "files",
            f"{admin_key} still holds the first admin API key in plain text. Put it where you "
            "keep such keys, then delete the file.",
        )
    if not open_files and not admin_key.exists():
        yield ok("files", "No file lies open to others.")


def key_file_mode(settings: Settings) -> Iterator[Finding]:
    """Look who may read the key file."""
    path = settings.kek_path
    mode = _mode(path)
    if mode & 0o007:
        yield problem(
            "key file", f"Everybody on this machine may read {path}; close it: 'chmod 600 {path}'."
        )
    elif mode & 0o070:
        yield warning("key file", f"A group may use {path}; 'chmod 600 {path}' closes it.")


def egress(settings: Settings) -> Iterator[Finding]:
    """Look at what the operator has opened."""
    networks = parse_networks(",".join(settings.egress_allow))
    wide = [str(network) for network in networks if _is_wide(network)]
    if wide:
        yield warning(
            "egress",
            f"DRAGOMAN_EGRESS_ALLOW opens {some(wide)}: whoever registers LLMs can reach nearly "
            "everything from here, also over plain http. List the networks of your LLMs only.",
        )
    named = [network for address in METADATA if (network := ip_network(address)) in networks]
    if named:
        yield warning(
            "egress",
            f"DRAGOMAN_EGRESS_ALLOW names {some(map(str, named))}, where a cloud hands out this "
            "machine's credentials. Take it out unless an LLM is served there.",
        )
    if not wide and not named:
        count = len(networks)
        yield ok(
            "egress",
            f"Public addresses and {count} listed network{'s' * (count != 1)} may be called."
            if networks
            else "Only public addresses may be called.",
        )


def certificates(settings: Settings) -> Iterator[Finding]:
    """Look for the authorities that upstreams' certificates are checked against."""
    bundle = settings.ca_bundle
    paths = ssl.get_default_verify_paths()
    if bundle is not None and not _holds_certificates(bundle):
        yield problem(
            "certificates",
            f"DRAGOMAN_CA_BUNDLE: {bundle} is not a file of certificates (PEM) that can be read; "
            "name another one or leave it out.",
        )
    elif bundle is None and not (paths.cafile or paths.capath):
        yield problem(
            "certificates",
            "This machine has no certificate authorities, so no https upstream can be called. "
            "Install them (on Debian: ca-certificates), or name a file in DRAGOMAN_CA_BUNDLE.",
        )
    else:
        yield ok("certificates", f"Authorities come from {bundle or 'the system'}.")


def descriptors(_: Settings) -> Iterator[Finding]:
    """Look how many connections a process may have; each call takes two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FEW_DESCRIPTORS:
        yield warning(
            "file descriptors",
            f"A process may have {soft} open files and connections (at most {hard}); raise it "
            "where the server is started: 'ulimit -n 65536', or LimitNOFILE= in systemd.",
        )
    else:
        yield ok("file descriptors", f"A process may have {soft} open files and connections.")


def disk(settings: Settings) -> Iterator[Finding]:
    """Look how much room is left."""
    if not settings.data_path.is_dir():
        return
    free = shutil.disk_usage(settings.data_path).free
    told = f"{free / 1024**3:.1f} GiB are free in {settings.data_path}"
    if free < NO_SPACE_BYTES:
        yield problem("disk", f"Only {told}; make room, or changes will be refused.")
    elif free < LITTLE_SPACE_BYTES:
        yield warning("disk", f"Only {told}; make room soon.")
    else:
        yield ok("disk", f"{told}.")


def _mode(path: Path) -> int:
    """Give the permission bits of a file; none where there is no file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _holds_certificates(bundle: str) -> bool:
    try:
        ssl.create_default_context(cafile=bundle)
    except OSError:  # ssl.SSLError is one too
        return False
    return True


def _is_wide(network: IPNetwork) -> bool:
    return network.prefixlen < WIDE_PREFIX[network.version]
