"""The first start: everything that must be there before a process can serve.

Runs again at every start and leaves alone what it finds.
"""

import fcntl
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from dragoman.app.clock import SystemClock
from dragoman.app.source_settings import require_usable
from dragoman.authz.check import operator
from dragoman.domain.deployment import Deployment
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.ports import Store
from dragoman.domain.principal import Organization, Role
from dragoman.registry.completion import complete
from dragoman.registry.keys import KeyDraft, add_key
from dragoman.settings import Settings
from dragoman.storage import schema
from dragoman.storage.database import Location
from dragoman.storage.engines import locate, open_database
from dragoman.storage.unit_of_work import SqlStore
from dragoman.vault.digests import new_digest_key
from dragoman.vault.envelope import Vault
from dragoman.vault.keys import Keyring

DEFAULT_ORGANIZATION = "default"
PLATFORM_ORGANIZATION = "platform"
ADMIN_KEY_NAME = "first admin"


class BootstrapError(RuntimeError):
    """An installation that must not be started like this; the message says what to do."""


class Prepared(Struct, frozen=True):
    """What a start found or made."""

    keyring: Keyring
    """As it was checked against what is stored; a file that changes later does not count."""
    made: tuple[str, ...] = ()
    """Sentences about what was made."""
    admin_key: str | None = None
    """The first admin key, on the first start only."""


async def prepare(settings: Settings) -> Prepared:
    """Make what is missing: data directory, key file, database, organization, admin key.

    Raises BootstrapError, KeyringError, SchemaError, SettingsError, Unavailable, OSError; each
    leaves what was there as it was.
    """
    _check_ca_bundle(settings)
    require_usable(settings)
    made = []
    if _make_data_directory(settings.data_path):
        made.append(f"Made the data directory {settings.data_path}.")
    location = locate(settings)
    with _alone(settings.data_path, location):
        is_new = schema.is_new(location)
        keyring, made_keys = _keyring(settings, is_new=is_new)
        if made_keys:
            made.append(
                f"Made a key file, {settings.kek_path}. Keep a copy of it in another place: "
                "without it no stored credential opens."
            )
        schema.prepare(location)
        database = open_database(location)
        try:
            admin_key = await _first_rows(SqlStore(database), keyring)
        finally:
            await database.close()
    return Prepared(keyring, tuple(made), admin_key)


def _check_ca_bundle(settings: Settings) -> None:
    if settings.ca_bundle is None:
        return
    try:
        ssl.create_default_context(cafile=settings.ca_bundle)
    except OSError:  # ssl.SSLError is one too
        raise BootstrapError(
            f"DRAGOMAN_CA_BUNDLE: {settings.ca_bundle} is not a file of certificates (PEM)."
        ) from None


def _make_data_directory(path: Path) -> bool:
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return False
    return True


@contextmanager
def _alone(data_path: Path, location: Location) -> Iterator[None]:
    """Keep two starts on one data directory, or on one database, from making things twice."""
    lock = os.open(data_path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with schema.alone(location):
            yield
    finally:
        os.close(lock)


def _keyring(settings: Settings, *, is_new: bool) -> tuple[Keyring, bool]:
    """Read the key file, or make it where there is nothing yet that another one has sealed."""
    path = settings.kek_path
    if settings.production and not settings.kek_file:
        raise BootstrapError(
            "--production needs a key file that was given: make one with 'dragoman kek create', "
            "keep it outside of the data directory and name it in DRAGOMAN_KEK_FILE."
        )
    if path.exists():
        return Keyring.read(path), False
    if settings.kek_file:
        raise BootstrapError(f"DRAGOMAN_KEK_FILE: there is no file {path}.")
    if not is_new:
        raise BootstrapError(
            f"The key file {path} is missing, and without it no stored credential opens. Restore "
            "it from your copy, or copy it from a machine that has it, or name another one in "
            "DRAGOMAN_KEK_FILE."
        )
    keyring = Keyring.generate()
    write_private(path, keyring.to_text())
    return keyring, True


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read; it is there whole and on disk, or not at all.

    Raises BootstrapError where there is one already, or no folder for it.
    """
    if path.exists():
        raise BootstrapError(f"There is a file {path} already, and it is not replaced.")
    if not path.parent.is_dir():
        raise BootstrapError(f"There is no folder {path.parent}; make it first.")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)  # unlike a rename, this never replaces a file
    finally:
        unfinished.unlink()
    folder = os.open(path.parent, os.O_RDONLY)  # the name is on disk only with its folder
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def _first_rows(store: Store, keyring: Keyring) -> str | None:
    """Make this installation's first rows, once; give the first admin key where it was made."""
    clock = SystemClock()
    async with store.writing() as work:
        missing = await work.deployment.kek_ids() - keyring.ids
        if missing:
            raise BootstrapError(
                f"The key file lacks {', '.join(sorted(missing))}, which stored credentials were "
                "sealed under. Add it from your copy of the file; then start again."
            )
        deployment = await work.deployment.get()
        if deployment is not None:
            await complete(work, Vault(keyring, deployment.id), deployment)
            return None
        now_ms = clock.now_ms()
        id_ = clock.new_id()
        await work.deployment.add(Deployment(id_, now_ms, new_digest_key(Vault(keyring, id_))))
        organization = Organization(clock.new_id(), DEFAULT_ORGANIZATION, now_ms)
        platform = Organization(PLATFORM_ORGANIZATION_ID, PLATFORM_ORGANIZATION, now_ms)
        await work.principals.add_organization(platform)
        await work.principals.add_organization(organization)
        draft = KeyDraft(name=ADMIN_KEY_NAME, role=Role.ADMIN)
        key = await add_key(work, clock, operator(), organization.id, draft)
    return key.text
